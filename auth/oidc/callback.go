package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

// callbackInput is what the issuer makes the browser send. The last five members are not used, but declared for apps that
// refuse unknown params.
type callbackInput struct {
	Code   string `json:"code" maxLength:"4096" secret:"true"`
	State  string `json:"state" maxLength:"256"`
	Issuer string `json:"iss" maxLength:"2048"`
	Error  string `json:"error" maxLength:"256"`

	Description string `json:"error_description" maxLength:"4096"`
	Page        string `json:"error_uri" maxLength:"4096"`
	Session     string `json:"session_state" maxLength:"4096" secret:"true"`
	Scope       string `json:"scope" maxLength:"4096"`
	User        string `json:"authuser" maxLength:"256"`
}

var errLogin = actionhero.Errorf(actionhero.CodeUnauthenticated, "the login has failed: start it again")

// callback ends a login: it exchanges the code for an ID token, and makes the session.
func (l *login) callback(ctx context.Context, in callbackInput) (none actionhero.None, err error) {
	web.Header(ctx).Set("Cache-Control", "no-store")
	l.setCookie(ctx, "", -1) // whatever happens, this attempt has ended
	to, err := l.finish(ctx, in)
	if err != nil && l.cfg.FailureURL != "" {
		actionhero.RequestFrom(ctx).API.Log().Warn("a login at an issuer has failed", "issuer", l.issuer.name, "error", reason(err))
		to, err = l.cfg.FailureURL, nil
	}
	if err == nil {
		web.Redirect(ctx, to, http.StatusSeeOther)
	}
	return none, err
}

// reason returns the cause of an error for the log.
func reason(err error) string {
	if e, ok := errors.AsType[*actionhero.Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}

// finish returns the path to which the browser goes after the login.
func (l *login) finish(ctx context.Context, in callbackInput) (to string, err error) {
	meta, err := l.issuer.metadata(ctx)
	if err != nil {
		return "", unreachable(err)
	}
	a, err := l.attemptOf(ctx, in, meta)
	if err != nil {
		return "", because(errLogin, err)
	}
	if err := l.once(ctx, a); err != nil {
		return "", err
	}
	token, err := l.exchange(ctx, meta, in.Code, a.Verifier)
	if err != nil {
		return "", because(errLogin, err)
	}
	claims, _, err := l.issuer.verify(ctx, token, []string{l.cfg.ClientID})
	if e := actionhero.AsError(err); e != nil && e.Code == actionhero.CodeUnauthenticated {
		return "", because(errLogin, errors.Join(errors.New("the ID token is not valid"), e.Err))
	}
	if err == nil {
		err = l.checkIDToken(claims, a)
	}
	if err != nil {
		return "", err
	}
	who, err := l.cfg.Identity(ctx, claims)
	if err != nil {
		return "", err
	}
	return a.Return, l.cfg.Sessions.Login(ctx, who)
}

// attemptOf returns the attempt in the cookie, if the answer of the issuer belongs to it.
func (l *login) attemptOf(ctx context.Context, in callbackInput, meta metadata) (a attempt, err error) {
	credentials := actionhero.Credentials{Request: actionhero.RequestFrom(ctx)}
	text, err := base64.RawURLEncoding.DecodeString(credentials.Cookie(l.cookie))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	switch {
	case err != nil:
		return a, errors.New("the cookie of the login is missing or malformed")
	case a.State == "" || subtle.ConstantTimeCompare([]byte(a.State), []byte(in.State)) != 1:
		return a, errors.New("the state is of another login")
	case !time.Now().Before(a.End) || time.Until(a.End) > loginTime:
		return a, errors.New("the login has taken too long")
	case in.Issuer != "" && in.Issuer != l.issuer.name || in.Issuer == "" && meta.SendsIssuer: // RFC 9207
		return a, fmt.Errorf("the answer is of the issuer %.100q", in.Issuer)
	case in.Error != "":
		return a, fmt.Errorf("the issuer answers with the error %.100q", in.Error)
	case in.Code == "" || a.Nonce == "" || a.Verifier == "" || !isLocalPath(a.Return):
		return a, errors.New("the answer has no code, or the cookie is not complete")
	}
	return a, nil
}

// once returns an error if the attempt has been finished before, on any node.
func (l *login) once(ctx context.Context, a attempt) error {
	hash := sha256.Sum256([]byte(a.State))
	first, err := actionhero.RequestFrom(ctx).API.Cache.Add(ctx, "_oidc:"+hex.EncodeToString(hash[:]), true, loginTime)
	if err == nil && !first {
		err = because(errLogin, errors.New("the state was used before"))
	}
	return err
}

// exchange returns the ID token for a code.
func (l *login) exchange(ctx context.Context, meta metadata, code, verifier string) (string, error) {
	if err := checkURL("token_endpoint of the issuer", meta.Token); err != nil {
		return "", err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {l.cfg.RedirectURL}, "code_verifier": {verifier}}
	basic := l.cfg.ClientSecret != "" && (len(meta.AuthMethods) == 0 || slices.Contains(meta.AuthMethods, "client_secret_basic"))
	if !basic {
		form.Set("client_id", l.cfg.ClientID)
		if l.cfg.ClientSecret != "" {
			form.Set("client_secret", l.cfg.ClientSecret)
		}
	}
	r, err := http.NewRequest(http.MethodPost, meta.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	if basic {
		r.SetBasicAuth(url.QueryEscape(l.cfg.ClientID), url.QueryEscape(l.cfg.ClientSecret)) // RFC 6749, 2.3.1
	}
	var answer struct {
		IDToken string `json:"id_token"`
	}
	if err := fetchJSON(ctx, l.issuer.client, r, &answer); err != nil {
		return "", err
	}
	if answer.IDToken == "" {
		return "", errors.New("the issuer has sent no ID token")
	}
	return answer.IDToken, nil
}

// checkIDToken checks the claims that only an ID token has.
func (l *login) checkIDToken(claims map[string]any, a attempt) error {
	nonce, _ := claims["nonce"].(string)
	audiences, _ := claims["aud"].([]any)
	party, has := claims["azp"]
	switch {
	case subtle.ConstantTimeCompare([]byte(nonce), []byte(a.Nonce)) != 1:
		return because(errLogin, errors.New("the ID token is of another login"))
	case has && party != l.cfg.ClientID || !has && len(audiences) > 1:
		return because(errLogin, errors.New("the ID token is for another client"))
	}
	return nil
}
