package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// Handler answers one request. The result must encode as JSON. If the error is not an [*Error], the answer has status
// 500. The context of the request ends after 30 s or when the server closes.
type Handler func(r *http.Request) (result any, err error)

// Server answers the HTTP requests at a control socket.
type Server struct {
	path   string        // absolute; empty: another process removes the socket
	limit  time.Duration // of a request
	http   http.Server
	cancel context.CancelFunc
	slots  chan struct{}  // one for each running request
	open   sync.WaitGroup // counts the connections and the goroutine that accepts connections
}

// Listen creates the socket path and serves routes, a map from patterns of [http.ServeMux] to handlers. Only the user
// of this process can open the socket. If a dead server left a socket at path, Listen replaces that socket. If another
// server answers at path, Listen returns an error.
func Listen(ctx context.Context, path string, routes map[string]Handler, log *slog.Logger) (*Server, error) {
	return listenWith(ctx, path, routes, log, maxTime)
}

// listenWith is like [Listen]. In addition, the caller sets limit, the maximum time for each request.
func listenWith(ctx context.Context, path string, routes map[string]Handler, log *slog.Logger, limit time.Duration) (*Server, error) {
	absolute, err := filepath.Abs(path) // Close must remove this socket even after a change of the working directory
	if err != nil {
		return nil, err
	}
	if ln, ok, err := netlisten.Listen(ctx, "tasks.control", "unix", absolute); ok {
		if err != nil {
			return nil, err
		}
		return newServer(ln, "", routes, log, limit), nil
	}
	ln, err := listen(path)
	if err != nil {
		return nil, err
	}
	return newServer(ln, absolute, routes, log, limit), nil
}

// newServer answers the requests that arrive at ln. If path is not empty, Close removes it.
func newServer(ln net.Listener, path string, routes map[string]Handler, log *slog.Logger, limit time.Duration) *Server {
	s := &Server{path: path, limit: limit, slots: make(chan struct{}, maxRequests)}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.http = http.Server{
		Handler: s.handler(routes), ReadTimeout: limit + answerTime, WriteTimeout: limit + answerTime,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withPeer,
		ConnState:   s.count,
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	s.http.SetKeepAlivesEnabled(false)
	s.open.Go(func() { _ = s.http.Serve(ln) })
	return s
}

// Socket is an open control socket at which other processes answer.
type Socket struct {
	*net.UnixListener
	path string
}

// Open creates the socket at the absolute path as [Listen] does, for processes that share it.
func Open(path string) (*Socket, error) {
	ln, err := listen(path)
	if err != nil {
		return nil, err
	}
	return &Socket{ln, path}, nil
}

// Close closes and removes the socket.
func (s *Socket) Close() error { return errors.Join(os.Remove(s.path), s.UnixListener.Close()) }

func listen(path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the control socket cannot be created: %w", err)
	}
	address, release, err := addressOf(path)
	if err != nil {
		return nil, err
	}
	defer release()
	nc, err := net.DialTimeout("unix", address, time.Second)
	if err == nil {
		_ = nc.Close()
		return nil, fmt.Errorf("another server answers at %s: stop it first, or give each a folder of its own", path)
	}
	if errors.Is(err, syscall.EAGAIN) { // it accepts nothing, because it is suspended or overloaded
		return nil, fmt.Errorf("another server has %s and does not answer: stop it first, or give each a folder of its own", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s exists and is not a socket: remove it", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the socket of an earlier server cannot be removed: %w", err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("the socket %s cannot be created: %w", path, err)
	}
	ln.SetUnlinkOnClose(false) // the address may differ from the path
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close(), os.Remove(path))
	}
	return ln, nil
}

// Close removes the socket, cancels the contexts of the running requests, and blocks until these requests have ended.
func (s *Server) Close() error {
	s.cancel()
	err := s.http.Close()
	if s.path != "" {
		if removing := os.Remove(s.path); !errors.Is(removing, os.ErrNotExist) {
			err = errors.Join(err, removing)
		}
	}
	s.open.Wait()
	return err
}

// count keeps the number of open connections in s.open. [http.Server] calls count when the state of a connection
// changes.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.open.Add(1)
	case http.StateClosed:
		s.open.Done()
	}
}

// peerKey is the key of a context value: the error that checkPeer returned for the connection of a request.
type peerKey struct{}

func withPeer(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, checkPeer(nc.(*net.UnixConn)))
}

// handler returns a handler that serves the routes. It refuses a peer that checkPeer does not allow, limits the number
// of concurrent requests to maxRequests and limits the time of a request to maxTime.
func (s *Server) handler(routes map[string]Handler) http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.Handle(pattern, answering(handler))
	}
	mux.Handle("/", answering(func(r *http.Request) (any, error) {
		return nil, &Error{Code: "notFound", Message: fmt.Sprintf("the server does not know %s %s: it may have another version", r.Method, r.URL.Path)}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err, _ := r.Context().Value(peerKey{}).(error); err != nil {
			writeError(w, &Error{Code: "permissionDenied", Message: err.Error()})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.limit)
		defer cancel()
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-ctx.Done():
			writeError(w, &Error{Code: "unavailable", Message: "the server is busy with other requests of the command line"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxRequestBytes)
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}

// answering returns an [http.Handler] that calls handler and writes the result or the error as JSON. The client is the
// operator of the server, so the answer has the whole text of an error and the stack of a panic.
func answering(handler Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				writeError(w, &Error{Code: "internal", Message: fmt.Sprintf("the server has a bug: %v\n%s", p, debug.Stack())})
			}
		}()
		result, err := handler(r)
		var raw []byte
		if err == nil {
			raw, err = jsonx.Marshal(result)
		}
		if err != nil {
			writeError(w, err)
			return
		}
		write(w, http.StatusOK, raw)
	})
}

// statuses maps the code of an [Error] to an HTTP status. The status of any other code is 500.
var statuses = map[string]int{
	"invalidInput": http.StatusBadRequest, "permissionDenied": http.StatusForbidden, "notFound": http.StatusNotFound,
	"alreadyExists": http.StatusConflict, "conflict": http.StatusConflict, "unavailable": http.StatusServiceUnavailable,
}

func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Message: err.Error()}
	}
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	raw, err := jsonx.Marshal(errorAnswer{e})
	if err == nil {
		write(w, status, raw)
	}
}

func write(w http.ResponseWriter, status int, raw []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n')) // an error means that the client is gone
}

// Body decodes the JSON body of the request r. If the body is too long or malformed, or has a member that T does not
// have, the error is an [*Error] with the code "invalidInput".
func Body[T any](r *http.Request) (body T, err error) {
	raw, err := io.ReadAll(r.Body)
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return body, &Error{Code: "invalidInput", Message: fmt.Sprintf("the request has more than %d bytes", tooLong.Limit)}
	}
	if err != nil {
		return body, err
	}
	if err := jsonx.UnmarshalKnown(raw, &body); err != nil {
		return body, &Error{Code: "invalidInput", Message: "the request is not the expected JSON object: " + err.Error()}
	}
	return body, nil
}
