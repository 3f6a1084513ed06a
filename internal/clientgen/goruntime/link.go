package goruntime

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// endError is the end of a WebSocket with a close code.
type endError struct {
	code   int
	reason string
}

// Error returns the code and the reason of the server.
func (e *endError) Error() string {
	return fmt.Sprintf("the server closed the connection: %s (%d)", e.reason, e.code)
}

// isFinal reports whether the server asks the client to stay away.
func (e *endError) isFinal() bool { return e.code >= 4400 && e.code < 4500 }

// isRefusal reports whether the server does not accept the token.
func (e *endError) isRefusal() bool { return e.code == 4401 }

// invalidError is the error of a request that cannot be sent.
type invalidError struct{ text string }

// Error returns what is wrong.
func (e *invalidError) Error() string { return e.text }

// dial opens a connection and reads the welcome.
func dial(ctx context.Context, o *ConnOptions, refused bool) (link, error) {
	scheme, host, ok := strings.Cut(o.URL, "://")
	if !ok {
		return nil, fmt.Errorf("the URL %q has no scheme: write it like https://example.com or tcp://example.com:5000", o.URL)
	}
	var l link
	var err error
	switch scheme {
	case "tcp", "tls":
		l, err = dialLines(ctx, strings.TrimRight(host, "/"), scheme == "tls", o.TLS)
	case "http", "https", "ws", "wss":
		l, err = dialWebSocket(ctx, o, refused)
	default:
		return nil, fmt.Errorf("the URL %q has an unknown scheme: use http, https, ws, wss, tcp or tls", o.URL)
	}
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, l.close)
	_, _, err = l.receive() // the welcome
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// writeTimeout is the time after which a connection that takes no bytes is closed.
const writeTimeout = 10 * time.Second

// lines is a connection of the line protocol.
type lines struct {
	conn net.Conn
	in   *bufio.Reader
	mu   sync.Mutex
	sent int64 // lines
}

func dialLines(ctx context.Context, host string, secure bool, cfg *tls.Config) (link, error) {
	var d interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	if secure {
		d = &tls.Dialer{Config: cfg}
	}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &lines{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (l *lines) close() { _ = l.conn.Close() }

func (l *lines) send(r *request) (int64, error) {
	line := r.event
	switch {
	case r.action != nil:
		text, err := json.Marshal(struct {
			Action string          `json:"action"`
			Params json.RawMessage `json:"params"`
			Key    string          `json:"idempotencyKey,omitempty"`
		}{r.action.Name, r.params, r.key})
		if err != nil {
			return 0, err
		}
		line = string(text)
	case r.event == "say":
		line += " " + r.message
	case r.room != "":
		line += " " + r.room
	}
	if strings.ContainsAny(line, "\r\n") {
		return 0, &invalidError{"a message over TCP is one line"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := l.conn.Write([]byte(line + "\r\n")); err != nil {
		l.close()
		return 0, err
	}
	l.sent++
	return l.sent, nil
}

func (l *lines) receive() ([]byte, int64, error) {
	line, err := l.in.ReadBytes('\n')
	if err != nil {
		return nil, 0, err
	}
	var about struct {
		Context string `json:"context"`
		Count   int64  `json:"messageCount"`
	}
	if err := json.Unmarshal(line, &about); err != nil {
		return nil, 0, errors.New("the server sent a line that is no JSON object")
	}
	if about.Context != "response" {
		about.Count = 0
	}
	return bytes.TrimSpace(line), about.Count, nil
}

// frameOf returns the message of a request over WebSocket.
func frameOf(r *request, id int64) ([]byte, error) {
	frame := map[string]any{"event": r.event, "messageId": id}
	if r.room != "" {
		frame["room"] = r.room
	}
	if r.event == "say" {
		frame["message"] = r.message
	}
	if r.action != nil {
		frame["event"] = "action"
		params := map[string]json.RawMessage{}
		if err := json.Unmarshal(r.params, &params); err != nil {
			return nil, err
		}
		params["action"] = json.RawMessage(strconv.Quote(r.action.Name))
		frame["params"] = params
		if r.key != "" {
			frame["idempotencyKey"] = r.key
		}
	}
	return json.Marshal(frame)
}
