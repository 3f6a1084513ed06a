// Package hooks receives webhooks and sends webhooks. Begin with [New].
package hooks

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero"
)

// Options are the settings of [New].
type Options struct {
	Secret      string       // shared with the payment service and with the subscribers; without it every webhook is refused
	Subscribers []string     // the URLs that receive each event
	Client      *http.Client // sends to the subscribers; default: a client that reaches public addresses only
}

// Hooks receives the webhooks of a payment service, and sends them to subscribers.
type Hooks struct {
	Options
	deliver actionhero.Task[DeliverInput]
}

// New returns the Hooks of an app.
func New(o Options) *Hooks {
	if o.Client == nil {
		o.Client = publicClient()
	}
	h := &Hooks{Options: o}
	h.deliver = actionhero.Task[DeliverInput]{
		Name: "deliver", Description: "Sends an event to a subscriber", Queue: "webhooks",
		MaxAttempts: 20, Timeout: 30 * time.Second, Run: h.runDeliver,
	}
	return h
}

// Parts returns the action `payments` and the task `deliver`, as parts for cli.Main.
func (h *Hooks) Parts() actionhero.Parts {
	return actionhero.Parts{h.deliver, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "payments", Description: "Receives an event of the payment service",
		Route: "POST /webhooks/payments", RawBody: true, Run: h.receive,
	}}
}

// event is the part of an event that the app reads.
type event struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// receive checks the signature of the bytes as they came, and enqueues the work, so that the sender has its answer at
// once. A sender repeats an event until it reads an answer: the unique key makes one delivery of it.
func (h *Hooks) receive(ctx context.Context, none actionhero.None) (actionhero.None, error) {
	req := actionhero.RequestFrom(ctx)
	body := req.Body()
	if err := verify(h.Secret, req.Header("X-Timestamp"), req.Header("X-Signature"), body, time.Now()); err != nil {
		return none, actionhero.Errorf(actionhero.CodeUnauthenticated, "%v", err)
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.ID == "" {
		return none, actionhero.Errorf(actionhero.CodeInvalidInput, "the event is no JSON object with an id")
	}
	for _, url := range h.Subscribers {
		in := DeliverInput{URL: url, Event: string(body)}
		_, err := h.deliver.Enqueue(ctx, req.API, in, actionhero.UniqueKey(e.ID+" "+url), actionhero.UniqueFor(72*time.Hour))
		if err != nil {
			return none, err // the sender tries again
		}
	}
	return none, nil
}
