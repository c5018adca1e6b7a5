package services

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo accepts one connection and sends every line back.
func echo(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			fmt.Fprintln(conn, lines.Text())
		}
	}()
	return l.Addr().String()
}

func TestCutLinkHoldsWhatIsSent(t *testing.T) {
	l, err := OpenLink("tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	ask := func(text string) {
		t.Helper()
		if got, err := answers.ReadString('\n'); err != nil || got != text+"\n" {
			t.Fatalf("got %q, %v, want %q", got, err, text)
		}
	}
	fmt.Fprintln(conn, "one")
	ask("one")
	l.Cut()
	fmt.Fprintln(conn, "two")
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got, err := answers.ReadString('\n'); err == nil {
		t.Errorf("the link was cut, and %q arrived", got)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	l.Restore()
	ask("two")
}

func TestLinkCloses(t *testing.T) {
	for name, cut := range map[string]bool{"whole": false, "cut": true} {
		l, err := OpenLink("tcp", echo(t))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", l.Address())
		if err != nil {
			t.Fatal(err)
		}
		if cut {
			l.Cut()
			fmt.Fprintln(conn, "waits")
		}
		if err := l.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: read %d bytes after the link was closed", name, n)
		}
		conn.Close()
	}
}
