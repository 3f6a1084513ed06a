//go:build unix

package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Do sends one command on a connection of its own and returns the reply: a string, an int64, a []any of these, or nil.
// An error reply ends the test. Servers with TLS are not supported.
func (s *Server) Do(t testing.TB, args ...any) any {
	t.Helper()
	reply, err := s.TryDo(args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return reply
}

// TryDo works like [Server.Do], but returns an error reply as an error.
func (s *Server) TryDo(args ...any) (any, error) {
	conn, err := net.DialTimeout("tcp", s.Addr, 2*time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	r := bufio.NewReader(conn)
	if s.password != "" {
		if _, err := exchange(conn, r, []any{"AUTH", s.password}); err != nil {
			return nil, err
		}
	}
	return exchange(conn, r, args)
}

func exchange(w io.Writer, r *bufio.Reader, args []any) (any, error) {
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(args))
	for _, arg := range args {
		text := fmt.Sprint(arg)
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(text), text)
	}
	if _, err := io.WriteString(w, command.String()); err != nil {
		return nil, err
	}
	return readReply(r)
}

func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("the server sent an empty line")
	}
	switch kind, rest := line[0], line[1:]; kind {
	case '+':
		return rest, nil
	case '-':
		return nil, errors.New(rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readArray(r, rest)
	}
	return nil, fmt.Errorf("the server sent %q", line)
}

func readBulk(r *bufio.Reader, length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return nil, err
	}
	bulk := make([]byte, n+2)
	_, err = io.ReadFull(r, bulk)
	return string(bulk[:n]), err
}

func readArray(r *bufio.Reader, length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return nil, err
	}
	array := make([]any, n)
	for i := range array {
		if array[i], err = readReply(r); err != nil {
			return nil, err
		}
	}
	return array, nil
}

// Info returns a field of the reply to INFO, for example "run_id". It returns "" if there is no such field, and also if
// there is no reply: a server closes its connections when it becomes a replica.
func (s *Server) Info(t testing.TB, field string) string {
	t.Helper()
	reply, err := s.TryDo("INFO", "everything")
	if err != nil {
		t.Logf("INFO: %v", err)
	}
	text, _ := reply.(string)
	return fieldOf(text, field)
}

// fieldOf returns the value of a field in a text with a line "field:value" for each field.
func fieldOf(text, field string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == field {
			return value
		}
	}
	return ""
}
