package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// ErrNoServer is the error that [Call] returns if no server answers at the socket.
var ErrNoServer = errors.New("no server answers there")

// Call sends a request to the server at the socket path and returns the JSON of the answer. target is the path and
// query of the URL. If body is not nil, Call sends it as JSON. If the server answers with an error, Call returns an
// [*Error].
func Call(ctx context.Context, path, method, target string, body any) (json.RawMessage, error) {
	var content io.Reader
	if body != nil {
		raw, err := jsonx.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+target, content)
	if err != nil {
		return nil, err
	}
	resp, err := roundTrip(req, path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswerBytes+1))
	if err == nil && len(answer) > MaxAnswerBytes {
		err = fmt.Errorf("the answer has more than %d bytes", MaxAnswerBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("the server at %s does not answer: %w", path, err)
	}
	if resp.StatusCode < http.StatusBadRequest {
		return bytes.TrimSuffix(answer, []byte("\n")), nil
	}
	var failure errorAnswer
	if err := jsonx.Unmarshal(answer, &failure); err != nil || failure.Error == nil {
		return nil, fmt.Errorf("the server at %s answers with status %s, but without an error", path, resp.Status)
	}
	return nil, failure.Error
}

// Get asks the server at the socket path for target, and decodes the answer.
func Get[T any](ctx context.Context, path, target string) (answer T, err error) {
	raw, err := Call(ctx, path, http.MethodGet, target, nil)
	if err == nil {
		err = jsonx.Unmarshal(raw, &answer)
	}
	return answer, err
}

// Answers reports whether a server accepts connections at the socket path.
func Answers(ctx context.Context, path string) bool {
	nc, err := dial(ctx, path)
	if err == nil {
		_ = nc.Close()
	}
	return err == nil
}

// roundTrip sends req over a new connection to the socket path and returns the response.
func roundTrip(req *http.Request, path string) (*http.Response, error) {
	transport := http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, path) },
	}
	resp, err := transport.RoundTrip(req)
	if err != nil && strings.Contains(err.Error(), "malformed HTTP") {
		return nil, fmt.Errorf("the running server at %s has another version than this program: restart the server", path)
	}
	if _, ok := errors.AsType[*dialError](err); !ok && err != nil {
		return nil, fmt.Errorf("the server at %s does not answer: %w", path, err)
	}
	return resp, err
}

// dialError is the error for a socket that cannot be reached. Its text names the cause in a full sentence.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

func dial(ctx context.Context, path string) (net.Conn, error) {
	nc, err := func() (net.Conn, error) {
		address, release, err := addressOf(path)
		if err != nil {
			return nil, err
		}
		defer release()
		var d net.Dialer
		return d.DialContext(ctx, "unix", address)
	}()
	switch {
	case err == nil:
		return nc, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		err = fmt.Errorf("%w: %s", ErrNoServer, path)
	case errors.Is(err, os.ErrPermission):
		err = fmt.Errorf("the socket %s is another user's: run this as the user of the server", path)
	default:
		err = fmt.Errorf("the server at %s cannot be reached: %w", path, err)
	}
	return nil, &dialError{err}
}
