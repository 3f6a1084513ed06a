package hooks

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/backend"
)

const secret = "a secret of the test"

const payment = `{"id":"evt_1","type":"payment.succeeded"}`

// signed returns the options of a request with a signature of the given body at the given time.
func signed(at time.Time, body string) []actionherotest.Option {
	timestamp, signature := sign(secret, at, []byte(body))
	return []actionherotest.Option{
		actionherotest.WithHeader("X-Timestamp", timestamp), actionherotest.WithHeader("X-Signature", signature), actionherotest.WithBody([]byte(body)),
	}
}

func TestAnEventIsDeliveredOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, New(Options{Secret: secret, Subscribers: []string{"https://a.example", "https://b.example"}}).Parts())
	for range 3 {
		if _, err := actionherotest.Run(t, api, "payments", nil, signed(time.Now(), payment)...); err != nil {
			t.Fatal(err)
		}
	}
	actionherotest.RequireEnqueued(t, api, "deliver", 2)
}

func TestOnlySignedEventsAreAccepted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secret  string
		options []actionherotest.Option
		code    actionhero.Code
	}{
		"no signature":       {secret, []actionherotest.Option{actionherotest.WithBody([]byte(payment))}, actionhero.CodeUnauthenticated},
		"another body":       {secret, append(signed(time.Now(), payment), actionherotest.WithBody([]byte(`{"id":"evt_2"}`))), actionhero.CodeUnauthenticated},
		"a recorded request": {secret, signed(time.Now().Add(-maxAge-time.Minute), payment), actionhero.CodeUnauthenticated},
		"from the future":    {secret, signed(time.Now().Add(maxAge+time.Minute), payment), actionhero.CodeUnauthenticated},
		"no secret":          {"", signed(time.Now(), payment), actionhero.CodeUnauthenticated},
		"another secret":     {"other", signed(time.Now(), payment), actionhero.CodeUnauthenticated},
		"no object":          {secret, signed(time.Now(), `[]`), actionhero.CodeInvalidInput},
		"no id":              {secret, signed(time.Now(), `{}`), actionhero.CodeInvalidInput},
	} {
		api := actionherotest.New(t, New(Options{Secret: c.secret, Subscribers: []string{"https://a.example"}}).Parts())
		_, err := actionherotest.Run(t, api, "payments", nil, c.options...)
		if e := actionhero.AsError(err); e == nil || e.Code != c.code {
			t.Errorf("%s: the error is %v", name, err)
		}
		actionherotest.RequireEnqueued(t, api, "deliver", 0)
	}
}

// A whole server reads the bytes as they came, over HTTP.
func TestASenderIsAnsweredOverHTTP(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, New(Options{Secret: secret, Subscribers: []string{"https://a.example"}}).Parts())
	sender := actionherotest.HTTP(t, s)
	timestamp, signature := sign(secret, time.Now(), []byte(payment))
	sender.Header.Set("X-Timestamp", timestamp)
	sender.Header.Set("X-Signature", signature)
	if resp := sender.Do("POST", "/webhooks/payments", []byte(payment)); resp.Status != http.StatusOK {
		t.Errorf("the sender reads %d %s", resp.Status, resp.Body)
	}
	if resp := sender.Do("POST", "/webhooks/payments", []byte(payment+" ")); resp.Status != http.StatusUnauthorized {
		t.Errorf("with another body, the sender reads %d %s", resp.Status, resp.Body)
	}
}

// subscriber is a server of a customer, without a network. It gives the answers one after the other, and then 200.
type subscriber struct {
	t       *testing.T
	answers []answer
}

type answer struct {
	status     int
	retryAfter string
}

// RoundTrip implements http.RoundTripper.
func (s *subscriber) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = verify(secret, r.Header.Get("X-Timestamp"), r.Header.Get("X-Signature"), body, time.Now())
	}
	if err != nil || string(body) != payment {
		s.t.Errorf("the subscriber reads %s: %v", body, err)
	}
	next := answer{status: http.StatusOK}
	if len(s.answers) > 0 {
		next, s.answers = s.answers[0], s.answers[1:]
	}
	if next.status == 0 {
		return nil, errors.New("the subscriber is away")
	}
	return &http.Response{StatusCode: next.status, Header: http.Header{"Retry-After": {next.retryAfter}}, Body: http.NoBody}, nil
}

func TestTheAnswersOfASubscriberDecide(t *testing.T) {
	for name, c := range map[string]struct {
		answers  []answer
		after    time.Duration
		state    backend.State
		attempts int
	}{
		"at once":                {nil, time.Second, backend.Completed, 1},
		"after failures":         {[]answer{{0, ""}, {500, ""}, {302, ""}, {429, ""}}, time.Minute, backend.Completed, 5},
		"at first":               {[]answer{{500, ""}}, 500 * time.Millisecond, backend.Retryable, 1},
		"later, as asked":        {[]answer{{429, "30"}, {503, "30"}}, 61 * time.Second, backend.Completed, 1},
		"not before":             {[]answer{{503, "30"}}, 29 * time.Second, backend.Scheduled, 0},
		"not in a year":          {[]answer{{429, "30000000"}}, 5 * time.Second, backend.Completed, 2},
		"wants no more":          {[]answer{{410, ""}}, time.Second, backend.Cancelled, 1},
		"is away for half a day": {slices.Repeat([]answer{{0, ""}}, 11), 12 * time.Hour, backend.Completed, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := &subscriber{t, c.answers}
				h := New(Options{Secret: secret, Subscribers: []string{"https://a.example"}, Client: &http.Client{Transport: customer, CheckRedirect: noRedirect}})
				api := actionherotest.NewWithWorker(t, h.Parts())
				if _, err := actionherotest.Run(t, api, "payments", nil, signed(time.Now(), payment)...); err != nil {
					t.Fatal(err)
				}
				actionherotest.Advance(t, c.after)
				if job := actionherotest.RequireEnqueued(t, api, "deliver", 1)[0]; job.State != c.state || job.Attempt != c.attempts {
					t.Errorf("after %v, the job is %v after %d attempts: %s", c.after, job.State, job.Attempt, job.Error)
				}
			})
		})
	}
}

func TestACustomerCannotReachTheOwnNetwork(t *testing.T) {
	t.Parallel()
	within := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the own network was reached") }))
	defer within.Close()
	h := New(Options{Secret: secret})
	for _, url := range []string{within.URL, "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := h.runDeliver(ctx, DeliverInput{URL: url, Event: payment}); !errors.Is(err, errNotPublic) {
			t.Errorf("%s: %v", url, err)
		}
		cancel()
	}
}
