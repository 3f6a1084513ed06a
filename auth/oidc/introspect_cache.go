package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
)

// questions asks an issuer about tokens, and keeps its answers.
type questions struct {
	cfg    *IntrospectConfig
	client *http.Client
	slots  chan struct{} // of the requests that run

	mu      sync.Mutex
	valid   answers // in maps of their own: many wrong tokens must not drop the answers about valid ones
	wrong   answers
	running map[tokenHash]*question
}

type tokenHash [sha256.Size]byte

// question is a request to the issuer, for all callers that wait for its answer.
type question struct {
	done   chan struct{}
	answer answer
	err    error
}

// answer is what the issuer says about a token.
type answer struct {
	claims map[string]any // nil: the token is refused
	why    error
	until  time.Time
}

// answers holds up to most answers.
type answers struct {
	most int
	byID map[tokenHash]answer
}

func newQuestions(cfg *IntrospectConfig) *questions {
	return &questions{
		cfg: cfg, client: newClient(cfg.Client), slots: make(chan struct{}, maxQuestions), running: map[tokenHash]*question{},
		valid: answers{cfg.Keep, map[tokenHash]answer{}}, wrong: answers{maxRefused, map[tokenHash]answer{}},
	}
}

// ask returns what the issuer says about a valid token, and the end of the token or the zero time.
func (q *questions) ask(ctx context.Context, token string) (claims map[string]any, end time.Time, err error) {
	got, err := q.answer(ctx, token)
	switch {
	case err != nil:
		return nil, end, &actionhero.Error{Code: actionhero.CodeUnavailable, Message: "the issuer cannot be asked about the token now", Err: err}
	case got.claims == nil:
		return nil, end, because(errToken, got.why)
	}
	return got.claims, timeOf(got.claims["exp"]), nil
}

func (q *questions) answer(ctx context.Context, token string) (answer, error) {
	id := tokenHash(sha256.Sum256([]byte(token)))
	q.mu.Lock()
	now := time.Now()
	for _, kept := range []answers{q.valid, q.wrong} {
		if a, ok := kept.byID[id]; ok && now.Before(a.until) {
			q.mu.Unlock()
			return a, nil
		}
	}
	if running := q.running[id]; running != nil {
		q.mu.Unlock()
		select {
		case <-running.done:
			return running.answer, running.err
		case <-ctx.Done():
			return answer{}, ctx.Err()
		}
	}
	next := &question{done: make(chan struct{}), err: errors.New("the request has panicked")}
	q.running[id] = next
	q.mu.Unlock()
	q.run(ctx, id, token, next)
	return next.answer, next.err
}

// run asks the issuer for all callers that wait. It has a time limit, and goes on when ctx ends.
func (q *questions) run(ctx context.Context, id tokenHash, token string, question *question) {
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.running, id)
		switch {
		case question.err != nil:
		case question.answer.claims == nil:
			q.wrong.keep(id, question.answer)
		default:
			delete(q.wrong.byID, id)
			q.valid.keep(id, question.answer)
		}
		close(question.done)
	}()
	timeout := time.NewTimer(fetchTimeout)
	defer timeout.Stop()
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	case <-timeout.C:
		question.err = errors.New("too many requests to the issuer are running")
		return
	}
	claims, why, err := q.fetchAnswer(ctx, token)
	keep := refusedFor
	if claims != nil {
		keep = q.cfg.KeepFor
	}
	a := answer{claims, why, time.Now().Add(keep)}
	if end := timeOf(claims["exp"]); claims != nil && !end.IsZero() && end.Before(a.until) {
		a.until = end
	}
	question.answer, question.err = a, err
}

// keep keeps an answer, in the place of others if there is no room. It makes much room at once, because it looks at all answers.
func (a *answers) keep(id tokenHash, kept answer) {
	if _, has := a.byID[id]; !has && len(a.byID) >= a.most {
		now := time.Now()
		for other, old := range a.byID {
			if !now.Before(old.until) {
				delete(a.byID, other)
			}
		}
		for other := range a.byID {
			if len(a.byID) < a.most-a.most/8 {
				break
			}
			delete(a.byID, other)
		}
	}
	a.byID[id] = kept
}
