package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serving runs a server on a loopback port; stop ends it and gives the error.
func serving(t *testing.T, f *fake, l Limits) (address string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(f, Config{Password: "pw", Limits: l}).Serve(ctx, ln) }()
	stop = func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return ln.Addr().String(), stop
}

func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", "pw")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestShutdownEndsWaits(t *testing.T) {
	f, asked := newFake(t).withShop(t), make(chan struct{}, 100)
	address, stop := serving(t, f, Limits{})
	url := "http://" + address + "/v1/applications/shop1/entities/web1/effectors/slow"
	if status, body := request(t, "POST", url+"?timeout=50ms", ""); status != 202 {
		t.Fatalf("got %d %s", status, body)
	}
	f.asked.Store(&asked)
	answered := make(chan string, 1)
	go func() {
		status, body := request(t, "GET", "http://"+address+"/v1/activities/slow1?timeout=never", "")
		var sum taskSummary
		_ = json.Unmarshal([]byte(body), &sum)
		answered <- fmt.Sprint(status, " ", sum.CurrentStatus)
	}()
	<-asked // it is under way; stopped before, it would be refused
	start := time.Now()
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if got := <-answered; got != "202 In progress" {
		t.Errorf("the wait ended with %s", got)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestSlowHeader(t *testing.T) {
	address, _ := serving(t, newFake(t), Limits{HeaderTimeout: 50 * time.Millisecond})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n")
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("the connection was not closed: %v", err)
	}
}

func TestSlowBody(t *testing.T) {
	address, _ := serving(t, newFake(t), Limits{BodyTimeout: 50 * time.Millisecond})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST /v1/applications HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWRtaW46cHc=\r\nContent-Length: 100\r\n\r\nname:")
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	want := `{"message":"the body did not arrive within 50ms (Limits.BodyTimeout)","error":408}`
	if resp.StatusCode != 408 || string(text) != want {
		t.Errorf("got %d %s", resp.StatusCode, text)
	}
}

func TestLongWaitOutlivesBodyTimeout(t *testing.T) {
	address, _ := serving(t, newFake(t).withShop(t), Limits{BodyTimeout: 30 * time.Millisecond, WriteTimeout: 30 * time.Millisecond})
	url := "http://" + address + "/v1/applications/shop1/entities/web1/effectors/slow?timeout=150ms"
	if status, body := request(t, "POST", url, "{}"); status != 202 {
		t.Errorf("got %d %s", status, body)
	}
	if status, _ := request(t, "GET", "http://"+address+"/v1/activities/slow1?timeout=150ms", ""); status != 202 {
		t.Errorf("got %d", status)
	}
}

func TestLimits(t *testing.T) {
	address, _ := serving(t, newFake(t), Limits{Body: 100, Header: 2000})
	status, body := request(t, "POST", "http://"+address+"/v1/applications", strings.Repeat("x", 101))
	if want := `{"message":"the body has more than 100 bytes (Limits.Body)","error":413}`; status != 413 || body != want {
		t.Errorf("got %d %s", status, body)
	}
	resp, err := http.Get("http://" + address + "/?" + strings.Repeat("x", 10_000))
	if err == nil { // else the connection was reset, since part of the header was not read
		_ = resp.Body.Close()
		if resp.StatusCode != 431 {
			t.Errorf("a long header: %d", resp.StatusCode)
		}
	}
}

func TestConnections(t *testing.T) {
	address, _ := serving(t, newFake(t), Limits{Connections: 1})
	first, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() {
		status, _ := request(t, "GET", "http://"+address+"/v1/server/up", "")
		answered <- status
	}()
	select {
	case status := <-answered:
		t.Fatalf("a second connection was served: %d", status)
	case <-time.After(50 * time.Millisecond):
	}
	_ = first.Close()
	if status := <-answered; status != 200 {
		t.Errorf("got %d", status)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestServeFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := New(newFake(t), Config{Password: "pw"}).Serve(t.Context(), ln); err == nil {
		t.Error("Serve on a closed listener gives no error")
	}
}
