package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
)

// IntrospectConfig is the declaration of the tokens of an issuer that must be asked about each of them, for [Introspect].
type IntrospectConfig struct {
	// URL is the introspection endpoint of the issuer: https, or http to this machine. Required.
	URL string
	// ClientID and ClientSecret are the credentials of this app at the endpoint (HTTP Basic). Required.
	ClientID, ClientSecret string
	// Audience are the names of this app at the issuer. A token must be for one of them (member aud). Required.
	Audience []string
	// Issuer is the member iss of the answers, if they have one. Default: not compared.
	Issuer string
	// KeepFor is how long an answer counts, up to 1 hour. A revoked token is accepted so long. Default: 1 minute.
	KeepFor time.Duration
	// Keep is the number of answers about valid tokens that are kept, up to 1,000,000. Default: 10,000.
	Keep int
	// Identity returns the caller with the members of an answer. An error refuses the token. The identity ends with the token
	// at the latest. Default: [Subject].
	Identity func(ctx context.Context, claims map[string]any) (actionhero.Identity, error)
	// Client makes the requests to the issuer. They follow no redirect, take at most 10 seconds and read at most 1 MiB.
	// Default: a client of its own.
	Client *http.Client
}

const (
	defaultKeepFor = time.Minute
	maxKeepFor     = time.Hour
	defaultKeep    = 10_000
	maxKeep        = 1_000_000
	refusedFor     = 10 * time.Second // how long the answer about a wrong token counts
	maxRefused     = 1000             // answers about wrong tokens
	maxQuestions   = 16               // requests to the issuer at the same time
)

// Introspect returns a part that asks an issuer about each token (RFC 7662). It is for tokens that are no JWT, and for tokens
// that the issuer can revoke. A client sends its token as to [auth.Bearer]. List it after all other parts that know tokens: it
// sends each token that they have left to the issuer.
//
// Answers are kept for IntrospectConfig.KeepFor, and those about wrong tokens for 10 seconds. At most 16 requests to the issuer
// run at the same time. If it cannot be reached, the error is CodeUnavailable.
func Introspect(cfg IntrospectConfig) actionhero.Part {
	err := cfg.complete()
	q := newQuestions(&cfg)
	find := func(ctx context.Context, token string) (actionhero.Identity, error) {
		claims, end, err := q.ask(ctx, token)
		if err != nil {
			return actionhero.Identity{}, err
		}
		who, err := cfg.Identity(ctx, claims)
		if err == nil && !who.Known() {
			err = errToken
		}
		if !end.IsZero() && (who.ExpiresAt.IsZero() || end.Before(who.ExpiresAt)) {
			who.ExpiresAt = end
		}
		return who, err
	}
	return part("introspect", err, &issuer{client: q.client}, auth.Bearer(find))
}

// complete sets the defaults, and returns an error if the declaration is wrong.
func (c *IntrospectConfig) complete() error {
	if c.KeepFor == 0 {
		c.KeepFor = defaultKeepFor
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	if c.Identity == nil {
		c.Identity = Subject
	}
	switch {
	case c.ClientID == "" || c.ClientSecret == "":
		return errors.New("IntrospectConfig.ClientID or ClientSecret is missing: set the credentials of this app at the issuer")
	case len(c.Audience) == 0 || slices.Contains(c.Audience, ""):
		return errors.New("IntrospectConfig.Audience is missing or has an empty name: set the name of this app at the issuer")
	case c.KeepFor < 0 || c.KeepFor > maxKeepFor:
		return fmt.Errorf("IntrospectConfig.KeepFor is %v: use a time from 1ns to %v", c.KeepFor, maxKeepFor)
	case c.Keep < 0 || c.Keep > maxKeep:
		return fmt.Errorf("IntrospectConfig.Keep is %d: use a number from 1 to %d", c.Keep, maxKeep)
	}
	return checkURL("IntrospectConfig.URL", c.URL)
}

// fetchAnswer asks the issuer about a token. If the token is not valid for this app, claims is nil, and why says it.
func (q *questions) fetchAnswer(ctx context.Context, token string) (claims map[string]any, why, err error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequest(http.MethodPost, q.cfg.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(url.QueryEscape(q.cfg.ClientID), url.QueryEscape(q.cfg.ClientSecret)) // RFC 6749, 2.3.1
	var answer map[string]any
	if err := fetchJSON(ctx, q.client, r, &answer); err != nil {
		return nil, nil, err
	}
	if why := q.refusal(answer); why != nil {
		return nil, why, nil
	}
	return answer, nil, nil
}

// refusal returns why an answer refuses a token, or nil.
func (q *questions) refusal(answer map[string]any) error {
	issuer, hasIssuer := answer["iss"]
	_, hasEnd := answer["exp"]
	end, begin, now := timeOf(answer["exp"]), timeOf(answer["nbf"]), time.Now()
	switch {
	case answer["active"] != true:
		return errors.New("the issuer says that the token is not active")
	case hasIssuer && q.cfg.Issuer != "" && issuer != q.cfg.Issuer:
		return fmt.Errorf("the token is of the issuer %v", issuer)
	case !slices.ContainsFunc(audienceOf(answer["aud"]), func(name string) bool { return slices.Contains(q.cfg.Audience, name) }):
		return errors.New("the token is for another audience")
	case hasEnd && !now.Before(end): // also if it is no number
		return errors.New("the token has expired")
	case now.Add(defaultLeeway).Before(begin):
		return errors.New("the token is not valid yet")
	}
	return nil
}

// audienceOf returns the audiences in the member aud: a text, which may have spaces, or a list of texts.
func audienceOf(aud any) []string {
	if text, ok := aud.(string); ok {
		return []string{text}
	}
	return textsOf(aud)
}

// timeOf returns the time in a member of an answer, or the zero time.
func timeOf(seconds any) time.Time {
	if n, ok := seconds.(float64); ok && n > 0 && n < 1<<40 {
		return time.Unix(int64(n), 0)
	}
	return time.Time{}
}
