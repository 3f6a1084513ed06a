// Package control lets a command on this machine ask something of a server that runs on it, over a socket in the file
// system that only the server's own user can open.
//
// A connection carries one request and its answer, each a JSON object on a line:
//
//	> {"method":"show","params":{"id":7}}
//	< {"result":{…}}
//	< {"error":{"code":"not_found","message":"there is no job 7"}}
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// The bounds. A request that breaks them is refused, an answer that does is an error.
const (
	MaxRequestBytes = 2 << 20
	MaxAnswerBytes  = 64 << 20
	maxConns        = 16               // at a time; more wait
	maxTime         = 30 * time.Second // for a request and its answer
)

// Handler answers a request. params is a JSON value, nil if there are none; the result must encode as JSON. An error may
// be an *[Error]; any other has no code.
type Handler func(ctx context.Context, method string, params json.RawMessage) (result any, err error)

// Error is what the server answers instead of a result.
type Error struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ErrNoServer means that nobody answers at a socket.
var ErrNoServer = errors.New("no server answers there")

type request struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitzero"`
}

type answer struct {
	Result json.RawMessage `json:"result,omitzero"`
	Error  *Error          `json:"error,omitzero"`
}

// Server answers requests at a socket.
type Server struct {
	handler Handler
	path    string
	ln      net.Listener
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// Listen makes the socket, which only the user of this process can open, and answers requests. A socket that a dead
// server left behind is replaced; it is an error if one answers there.
func Listen(path string, handler Handler) (*Server, error) {
	address, release, err := addressOf(path)
	if err != nil {
		return nil, err
	}
	defer release()
	if nc, err := net.DialTimeout("unix", address, time.Second); err == nil {
		_ = nc.Close()
		return nil, fmt.Errorf("another server answers at %s: stop it first, or give each a folder of its own", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s is there and no socket: remove it", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the socket that an earlier server left cannot be removed: %w", err)
	}
	ln, err := net.Listen("unix", address)
	if err != nil {
		return nil, fmt.Errorf("the socket %s cannot be made: %w", path, err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // the address may not be the path
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close(), os.Remove(path))
	}
	s := &Server{handler: handler, path: path, ln: ln}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work.Go(s.accept)
	return s, nil
}

// Close removes the socket and waits for the requests under way, whose contexts end.
func (s *Server) Close() error {
	s.cancel()
	err := errors.Join(s.ln.Close(), os.Remove(s.path))
	s.work.Wait()
	return err
}

func (s *Server) accept() {
	slots := make(chan struct{}, maxConns)
	for s.ctx.Err() == nil {
		slots <- struct{}{}
		nc, err := s.ln.Accept()
		if err != nil {
			<-slots
			pause := time.NewTimer(50 * time.Millisecond) // of too many open files, say
			select {
			case <-pause.C:
			case <-s.ctx.Done():
			}
			pause.Stop()
			continue
		}
		s.work.Go(func() {
			s.serve(nc)
			<-slots
		})
	}
}

func (s *Server) serve(nc net.Conn) {
	stop := context.AfterFunc(s.ctx, func() { _ = nc.SetDeadline(time.Now()) })
	defer stop()
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(maxTime))
	if err := checkPeer(nc.(*net.UnixConn)); err != nil {
		reply(nc, answer{Error: &Error{Code: "permission_denied", Message: err.Error()}})
		return
	}
	line, err := readLine(nc, MaxRequestBytes)
	if err != nil {
		reply(nc, answer{Error: &Error{Code: "invalid_input", Message: err.Error()}})
		return
	}
	reply(nc, s.answer(line))
}

func (s *Server) answer(line []byte) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Error: &Error{Code: "internal", Message: fmt.Sprintf("a fault of the server: %v\n%s", p, debug.Stack())}}
		}
	}()
	var req request
	if err := jsonx.Unmarshal(line, &req); err != nil {
		return answer{Error: &Error{Code: "invalid_input", Message: "the request is no JSON object with a method: " + err.Error()}}
	}
	ctx, cancel := context.WithTimeout(s.ctx, maxTime)
	defer cancel()
	result, err := s.handler(ctx, req.Method, req.Params)
	if err == nil {
		var raw []byte
		if raw, err = jsonx.Marshal(result); err == nil {
			return answer{Result: raw}
		}
	}
	if coded, ok := errors.AsType[*Error](err); ok {
		return answer{Error: coded}
	}
	return answer{Error: &Error{Message: err.Error()}}
}

func reply(w io.Writer, a answer) {
	raw, err := jsonx.Marshal(a)
	if err == nil {
		_, _ = w.Write(append(raw, '\n')) // nobody is there to be told
	}
}

// readLine reads up to the end of the line.
func readLine(r io.Reader, limit int) ([]byte, error) {
	line, err := bufio.NewReader(io.LimitReader(r, int64(limit))).ReadBytes('\n')
	switch {
	case err == nil:
		return line, nil
	case len(line) == limit:
		return nil, fmt.Errorf("there are more than %d bytes in one line", limit)
	case errors.Is(err, io.EOF):
		return nil, errors.New("the line has no end")
	}
	return nil, err
}

// Call asks the server at a socket, and decodes what it answers into result, a pointer or nil. It fails with
// [ErrNoServer] if nobody answers there, and with an *[Error] if that is the answer.
func Call(ctx context.Context, path, method string, params, result any) error {
	raw, err := jsonx.Marshal(params)
	if err != nil {
		return err
	}
	line, err := jsonx.Marshal(request{method, raw})
	if err != nil {
		return err
	}
	nc, err := dial(ctx, path)
	if err != nil {
		return err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Now()) })
	defer stop()
	if _, err := nc.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the server at %s does not take the request: %w", path, err)
	}
	if line, err = readLine(nc, MaxAnswerBytes); err != nil {
		return fmt.Errorf("the server at %s does not answer: %w", path, err)
	}
	var a answer
	if err := jsonx.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("the answer of the server at %s makes no sense: %w", path, err)
	}
	if a.Error != nil {
		return a.Error
	}
	if result == nil {
		return nil
	}
	return jsonx.Unmarshal(a.Result, result)
}

func dial(ctx context.Context, path string) (net.Conn, error) {
	address, release, err := addressOf(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoServer, path)
	}
	if err != nil {
		return nil, err
	}
	defer release()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "unix", address)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: %s", ErrNoServer, path)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("the socket %s is another user's: run this as the user of the server", path)
	case err != nil:
		return nil, fmt.Errorf("the server at %s cannot be reached: %w", path, err)
	}
	return nc, nil
}

// maxAddress is how long the address of a socket may be on all systems, in bytes.
const maxAddress = 100

// addressOf returns a way to write path that is short enough for the address of a socket, valid until release.
func addressOf(path string) (address string, release func(), err error) {
	if len(path) <= maxAddress {
		return path, func() {}, nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	address = filepath.Join(fmt.Sprintf("/proc/self/fd/%d", folder.Fd()), filepath.Base(path))
	if _, err := os.Stat(filepath.Dir(address)); err != nil || len(address) > maxAddress {
		_ = folder.Close()
		return "", nil, fmt.Errorf("the path of the socket %s has %d bytes, and this system allows %d: choose a shorter folder", path, len(path), maxAddress)
	}
	return address, func() { _ = folder.Close() }, nil
}
