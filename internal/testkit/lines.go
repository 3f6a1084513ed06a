package testkit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// Welcome is the first line that the server sends to a TCP client.
const Welcome = `{"welcome":"Hello! Welcome to the actionHero api","room":"defaultRoom","context":"api","messageCount":0}`

// Lines is a TCP client that has read the welcome line. Its methods return errors instead of ending the test, so that
// any goroutine can call them.
type Lines struct {
	net.Conn
	In    *bufio.Reader
	Limit time.Duration // time limit for reading a line and for sending a text
}

// OpenLines returns a TCP client on the connection nc and reads the welcome line. If an error occurs, OpenLines closes
// nc.
func OpenLines(nc net.Conn, limit time.Duration) (*Lines, error) {
	c := &Lines{nc, bufio.NewReader(nc), limit}
	if line, err := c.Line(); err != nil || line != Welcome {
		_ = nc.Close()
		return nil, fmt.Errorf("the welcome is %q, %w", line, err)
	}
	return c, nil
}

// Line reads the next line and returns it without the line end, which must be "\r\n".
func (c *Lines) Line() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.Limit))
	line, err := c.In.ReadString('\n')
	text, ended := strings.CutSuffix(line, "\r\n")
	if err == nil && !ended {
		err = errors.New(`the line does not end with \r\n`)
	}
	return text, err
}

// WriteText sends text unchanged.
func (c *Lines) WriteText(text string) error {
	_ = c.SetWriteDeadline(time.Now().Add(c.Limit))
	_, err := io.WriteString(c.Conn, text)
	return err
}

// Call sends one line and returns the answer of the server, which must be JSON. It skips the messages that other
// members of rooms send.
func (c *Lines) Call(line string) (string, error) {
	if err := c.WriteText(line + "\r\n"); err != nil {
		return "", err
	}
	answer, err := c.Line()
	for err == nil && strings.HasSuffix(answer, "}") && strings.Contains(answer, `,"context":"user","messageCount":`) {
		answer, err = c.Line()
	}
	if err == nil && !json.Valid([]byte(answer)) {
		err = fmt.Errorf("the answer to %.100q is no JSON: %.300q", line, answer)
	}
	return answer, err
}

// Rest reads all further bytes until the server closes the connection or the time limit passes. closed is true if the
// server has closed the connection.
func (c *Lines) Rest() (text string, closed bool) {
	_ = c.SetReadDeadline(time.Now().Add(c.Limit))
	rest, err := io.ReadAll(c.In)
	return string(rest), !errors.Is(err, os.ErrDeadlineExceeded)
}

// TCPClient is a TCP client that has read the welcome line. Its methods end the test if they fail.
type TCPClient struct {
	*Lines
	t testing.TB
}

// TCPAddr returns the address at which the server listens for plain TCP, or nil if the server does not listen there.
func (s *Server) TCPAddr() net.Addr { return s.Server.TCP.Addr() }

// TCPTLSAddr returns the address at which the server listens for TCP over TLS, or nil if the server does not listen
// there.
func (s *Server) TCPTLSAddr() net.Addr { return s.Server.TCP.TLSAddr() }

// DialTCP opens a connection to the plain TCP port of the server.
func (s *Server) DialTCP() (net.Conn, error) { return net.Dial("tcp", s.TCPAddr().String()) }

// TCP returns a client of the plain TCP port. Its connection closes at the end of the test.
func (s *Server) TCP(t testing.TB) *TCPClient {
	t.Helper()
	return NewTCP(t, s.DialTCP)
}

// TCPOverTLS returns a client like [Server.TCP], but over TLS.
func (s *Server) TCPOverTLS(t testing.TB) *TCPClient {
	t.Helper()
	return NewTCP(t, s.DialTCPOverTLS)
}

// NewTCP calls dial and returns a client on the opened connection. The connection closes at the end of the test.
func NewTCP(t testing.TB, dial func() (net.Conn, error)) *TCPClient {
	t.Helper()
	nc, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	lines, err := OpenLines(nc, Wait)
	if err != nil {
		t.Fatal(err)
	}
	return &TCPClient{lines, t}
}

// TCPOn returns a client on the connection nc that has not read the welcome line. The connection closes at the end of
// the test.
func TCPOn(t testing.TB, nc net.Conn) *TCPClient {
	t.Helper()
	t.Cleanup(func() { _ = nc.Close() })
	return &TCPClient{&Lines{nc, bufio.NewReader(nc), Wait}, t}
}

// Send sends text unchanged. If sending fails, Send ends the test.
func (c *TCPClient) Send(text string) {
	c.t.Helper()
	if err := c.WriteText(text); err != nil {
		c.t.Fatal(err)
	}
}

// Next returns the next line from the server. If reading fails, Next ends the test.
func (c *TCPClient) Next() string {
	c.t.Helper()
	line, err := c.Line()
	if err != nil {
		c.t.Fatalf("the next line is %q, %v", line, err)
	}
	return line
}

// Want reads the next line and fails the test if that line differs from the argument line.
func (c *TCPClient) Want(line string) {
	c.t.Helper()
	if got := c.Next(); got != line {
		c.t.Errorf("got  %s\nwant %s", got, line)
	}
}

// Do sends a request that runs an action with params, and returns the answer.
func (c *TCPClient) Do(action string, params map[string]string) Answer {
	c.t.Helper()
	request, err := json.Marshal(map[string]any{"action": action, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.Call(string(request))
	if err != nil {
		c.t.Fatal(err)
	}
	return answerOf(c.t, answer)
}

// WantClosed fails the test unless the server closes the connection without an error and without sending more bytes.
func (c *TCPClient) WantClosed() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(c.Limit))
	if rest, err := io.ReadAll(c.In); err != nil || len(rest) > 0 {
		c.t.Errorf("at the end come %q, %v", rest, err)
	}
}

// Quiet waits for the duration d. It returns false if the server sends a byte or closes the connection within this
// time.
func (c *TCPClient) Quiet(d time.Duration) bool {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(d))
	_, err := c.In.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}
