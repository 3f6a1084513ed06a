package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

const (
	fetchTimeout = 10 * time.Second // of one request to an issuer
	maxAnswer    = 1 << 20          // bytes of an answer of an issuer

	freshFor    = time.Hour        // after that, keys and metadata are fetched again
	usableFor   = 24 * time.Hour   // after that, they do not count any more, if the issuer cannot be reached
	fetchPause  = 30 * time.Second // between two fetches, for example because of tokens with unknown keys
	failedPause = 5 * time.Second  // between two fetches if the last one has failed
)

// newClient returns the client for requests to an issuer: base, or one of its own, without redirects, with a time limit.
func newClient(base *http.Client) *http.Client {
	client := &http.Client{}
	if base != nil {
		*client = *base
	} else if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		client.Transport = transport.Clone()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Timeout = fetchTimeout
	return client
}

// checkURL returns an error unless the URL is safe for keys and codes: https, or http to this machine.
func checkURL(what, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%s is %q: use an absolute URL with https", what, text)
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s is %q: use https", what, text)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// fetchJSON sends the request and decodes the answer. The request counts for all callers that wait for its answer, so it
// goes on when the context of one of them ends.
func fetchJSON(ctx context.Context, client *http.Client, r *http.Request, into any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	answer, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answers with the status %d", r.URL, answer.StatusCode)
	case len(text) > maxAnswer:
		return fmt.Errorf("%s answers with more than %d bytes", r.URL, maxAnswer)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s answers with no usable JSON: %w", r.URL, err)
	}
	return nil
}

// fetched is a value of an issuer that is fetched when it is needed, by one caller at a time and with pauses.
type fetched[T any] struct {
	fetch func(ctx context.Context) (T, error)

	mu      sync.Mutex
	value   T
	at      time.Time     // when value was fetched; zero: there is none
	tried   time.Time     // the end of the last fetch
	err     error         // of the last fetch
	running chan struct{} // closed at the end of the fetch that runs; nil: none runs
}

// get returns the value. It fetches the value if it is old, or if has returns false for it: then the issuer may have a
// newer one. The returned value may still not have it.
func (f *fetched[T]) get(ctx context.Context, has func(T) bool) (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		now := time.Now()
		if !f.at.IsZero() && now.Sub(f.at) < freshFor && has(f.value) {
			return f.value, nil
		}
		if done := f.running; done != nil {
			if value, err := f.last(now); err == nil && has(value) {
				return value, nil // a slow issuer delays one caller, not all of them
			}
			if err := f.wait(ctx, done); err != nil {
				return f.value, err
			}
			continue
		}
		if pause := f.pause(); now.Sub(f.tried) < pause && !f.tried.IsZero() {
			return f.last(now)
		}
		f.run(ctx)
	}
}

func (f *fetched[T]) pause() time.Duration {
	if f.err != nil {
		return failedPause
	}
	return fetchPause
}

// last returns the last value, or the error of the last fetch if there is no usable value.
func (f *fetched[T]) last(now time.Time) (T, error) {
	if !f.at.IsZero() && now.Sub(f.at) < usableFor {
		return f.value, nil
	}
	return f.value, errors.Join(errors.New("the issuer cannot be reached"), f.err)
}

// wait waits for the end of a fetch. The caller holds f.mu.
func (f *fetched[T]) wait(ctx context.Context, done chan struct{}) error {
	f.mu.Unlock()
	defer f.mu.Lock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run fetches the value. The caller holds f.mu.
func (f *fetched[T]) run(ctx context.Context) {
	done := make(chan struct{})
	f.running = done
	f.mu.Unlock()
	var value T
	err := errors.New("the fetch has panicked")
	defer func() {
		f.mu.Lock()
		f.running, f.tried, f.err = nil, time.Now(), err
		if err == nil {
			f.value, f.at = value, f.tried
		}
		close(done)
	}()
	value, err = f.fetch(ctx)
}
