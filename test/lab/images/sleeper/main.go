// Command sleeper is the smallest container: it runs until it is told to
// stop. Its arguments make it misbehave: "say TEXT", "exit CODE",
// "serve PORT" (answers its host name), "get URL" (prints the answer, or
// fails), "hold MB" (memory) and "burn N" (keeps N processors busy) are done in
// order.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	for args := os.Args[1:]; len(args) > 1; args = args[2:] {
		if err := do(args[0], args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}

// held is memory that is used for nothing.
var held []byte

// spin is written to by what keeps processors busy.
var spin atomic.Uint64

func do(verb, arg string) error {
	switch verb {
	case "say":
		fmt.Println(arg)
	case "exit":
		code, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		os.Exit(code)
	case "serve":
		go func() {
			err := http.ListenAndServe(":"+arg, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				name, _ := os.Hostname() // an empty answer shows that it failed
				fmt.Fprint(w, name)
			}))
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}()
	case "get":
		return get(arg)
	case "hold":
		n, err := strconv.Atoi(arg)
		held = make([]byte, n<<20)
		for i := 0; i < len(held); i += 4096 { // the kernel gives a page when it is written to
			held[i] = 1
		}
		return err
	case "burn":
		n, err := strconv.Atoi(arg)
		for range n {
			go func() {
				for spin.Add(1) != 0 { // for some centuries
				}
			}()
		}
		return err
	default:
		return fmt.Errorf("cannot do %q", verb)
	}
	return nil
}

// get tries for a while: the other side may be starting too.
func get(url string) error {
	var err error
	for range 100 {
		var res *http.Response
		if res, err = http.Get(url); err == nil {
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			fmt.Printf("%s\n", text) // engines log whole lines
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}
