package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero"
)

// DeliverInput is the input of the task `deliver`.
type DeliverInput struct {
	URL   string `json:"url" required:"true" format:"uri"`
	Event string `json:"event" required:"true"`
}

// runDeliver sends an event. An error is retried with a growing delay, up to MaxAttempts. An answer that will stay the
// same cancels the job, and a subscriber that asks for time has it without losing an attempt.
func (h *Hooks) runDeliver(ctx context.Context, in DeliverInput) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, in.URL, strings.NewReader(in.Event))
	if err != nil {
		return actionhero.CancelJob(err)
	}
	timestamp, signature := sign(h.Secret, time.Now(), []byte(in.Event))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Timestamp", timestamp)
	req.Header.Set("X-Signature", signature)
	resp, err := h.Client.Do(req)
	if errors.Is(err, errNotPublic) {
		return actionhero.CancelJob(err)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // lets the connection be used again
	switch code := resp.StatusCode; {
	case code < 300:
		return nil
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds <= 3600 {
			return actionhero.SnoozeJob(time.Duration(seconds) * time.Second)
		}
	case code == http.StatusGone:
		return actionhero.CancelJob(errors.New("the subscriber wants no more events"))
	}
	return fmt.Errorf("the subscriber answers %s", resp.Status)
}

var errNotPublic = errors.New("the address is not public")

// publicClient returns a client for URLs that customers choose. It reaches no address of the own network, also if a
// name leads there, and follows no redirect.
func publicClient() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		addr, err := netip.ParseAddrPort(address)
		if ip := addr.Addr().Unmap(); err != nil || !ip.IsGlobalUnicast() || ip.IsPrivate() {
			return fmt.Errorf("%s: %w", address, errNotPublic)
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute},
		CheckRedirect: noRedirect,
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
