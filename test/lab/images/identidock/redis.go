package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// redis speaks just enough RESP for a cache.
type redis struct{ address string }

// maxReply bounds a reply, in bytes.
const maxReply = 16 << 20

// do sends one command on a connection of its own. A null reply is nil.
func (r redis) do(args ...string) ([]byte, error) {
	conn, err := net.DialTimeout("tcp", r.address, 2*time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return nil, err
	}
	return reply(bufio.NewReader(conn))
}

func reply(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("empty reply")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', ':':
		return []byte(rest), nil
	case '-':
		return nil, errors.New(rest)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n > maxReply {
			return nil, fmt.Errorf("bad length %q", rest)
		}
		if n < 0 {
			return nil, nil
		}
		body := make([]byte, n)
		_, err = io.ReadFull(in, body)
		return body, err
	}
	return nil, fmt.Errorf("reply %q is of no known kind", line)
}
