// Command guest is the reference module of the SDK with one more type, which
// behaves badly as it is told, for the tests of the module runtime.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/reference"
)

var _ = gowanus.Register(module())

func module() gowanus.Module {
	m := reference.Module()
	m.Types = append(m.Types, gowanus.Type{Name: "guest", Kind: gowanus.KindEntity, Effector: effector})
	return m
}

func main() {}

var kept [][]byte

func effector(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	switch c.Effector {
	case "echo":
		return gowanus.Decision{Result: c.Args}, nil
	case "loop":
		for n := uint64(0); ; n++ {
			kept = kept[:0]
		}
	case "grow":
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	case "hold":
		kept = append(kept, make([]byte, c.Args.Int("bytes")))
	case "recurse":
		return gowanus.Decision{Result: recurse(1)}, nil
	case "panic":
		panic("as told")
	case "exit":
		fmt.Fprintln(os.Stderr, "giving up")
		os.Exit(3)
	case "write":
		for _, part := range c.Args.Strings("parts") {
			os.Stderr.WriteString(part)
		}
	case "deadlock":
		<-make(chan bool)
	case "goroutines":
		sum := make(chan int)
		for n := range 100 {
			go func() { sum <- n }()
		}
		total := 0
		for range 100 {
			total += <-sum
		}
		return gowanus.Decision{Result: total}, nil
	case "world":
		return gowanus.Decision{Result: world()}, nil
	case "log":
		for n := range c.Args.Int("lines") {
			gowanus.Logf(gowanus.LevelInfo, "line %d", n)
		}
	case "host":
		out, err := gowanus.Host(int32(c.Args.Int("op")), []byte(c.Args.String("request")))
		return gowanus.Decision{Result: string(out)}, err
	}
	return gowanus.Decision{}, nil
}

//go:noinline
func recurse(n int) int {
	if n == 0 {
		return 0
	}
	return recurse(n+1) + n
}

// world tells what the guest can see of the outside.
func world() map[string]any {
	var b [8]byte
	_, _ = rand.Read(b[:])
	begin := time.Now()
	time.Sleep(time.Hour)
	_, open := os.ReadFile("/etc/passwd")
	return map[string]any{
		"args": len(os.Args), "environment": len(os.Environ()), "random": hex.EncodeToString(b[:]),
		"year": begin.Year(), "slept": time.Since(begin) >= time.Hour, "file": fmt.Sprint(open),
	}
}
