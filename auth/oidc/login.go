package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/limit"
	"github.com/actionhero-go/actionhero/web"
)

// LoginConfig is the declaration of the login of browsers at an issuer, for [Login].
type LoginConfig struct {
	// Issuer is the URL of the issuer, letter by letter as in its metadata. Required.
	Issuer string
	// ClientID and ClientSecret are of this app at the issuer. A public client has no secret. ClientID is required.
	ClientID, ClientSecret string
	// RedirectURL is the URL of the callback as browsers reach it and as the issuer knows it, for example
	// "https://app.example.com/auth/callback". Plain http is for localhost alone. Required.
	RedirectURL string
	// Sessions are the sessions of the app, which it lists among its parts. Required.
	Sessions *auth.Sessions
	// Name begins the names of the two actions, NAMELogin and NAMECallback, and of the cookie. 1 to 32 letters and digits.
	// Two Logins of one app need different names, paths and RedirectURLs. Default: "oidc".
	Name string
	// Path begins the routes: GET PATH/login and GET PATH/callback. Default: "/auth".
	Path string
	// Scopes are asked for besides "openid". Default: "profile" and "email".
	Scopes []string
	// FailureURL is the path of this server to which a browser is sent if the login fails, for example because the user has
	// cancelled it. Default: the browser shows the error.
	FailureURL string
	// Algorithms and Leeway are as in [JWTConfig].
	Algorithms []string
	Leeway     time.Duration
	// Identity returns the user with the claims of the ID token. An error refuses the login. Default: the claim sub, with
	// the claims name, preferred_username, email and email_verified. An app must not take users of two issuers, or an email
	// that is not verified, for the same user.
	Identity func(ctx context.Context, claims map[string]any) (actionhero.Identity, error)
	// Client makes the requests to the issuer, as in [JWTConfig].
	Client *http.Client
}

const (
	loginTime   = 10 * time.Minute // from the start of a login to its end
	loginEvents = 30               // requests of one address to the two actions in a minute
)

// Login returns two actions that log browsers in at an issuer (OpenID Connect, authorization code with PKCE). A page links
// to PATH/login, with the param return for the path to which the user comes back. After the login at the issuer,
// PATH/callback checks the ID token, makes a session with [auth.Sessions.Login] and sends the browser to that path.
//
// A login takes 10 minutes at most. Its state, its nonce and the secret of PKCE are in a cookie, and each works once. An
// address may call the actions 30 times a minute.
func Login(cfg LoginConfig) actionhero.Part {
	cfg.Name, cfg.Path = cmp.Or(cfg.Name, "oidc"), cmp.Or(cfg.Path, "/auth")
	if cfg.Scopes == nil {
		cfg.Scopes = []string{"profile", "email"}
	}
	if cfg.Identity == nil {
		cfg.Identity = user
	}
	is, err := newIssuer(issuerConfig{kind: "LoginConfig", name: cfg.Issuer, algorithms: cfg.Algorithms, leeway: cfg.Leeway, client: cfg.Client})
	if err == nil {
		err = cfg.check()
	}
	if err != nil {
		return part("login", err, is)
	}
	l := &login{cfg: cfg, issuer: is, secure: strings.HasPrefix(cfg.RedirectURL, "https:")}
	if l.cookie = cfg.Name; l.secure {
		l.cookie = "__Host-" + cfg.Name
	}
	limited := []actionhero.Middleware{limit.New(limit.Limit{Name: "logins", Events: loginEvents, Per: time.Minute}).By(limit.IP)}
	return part("login", nil, is,
		actionhero.Action[loginInput, actionhero.None]{
			Name: cfg.Name + "Login", Description: "send a browser to the login", Route: "GET " + cfg.Path + "/login",
			Kind: actionhero.KindRead, Access: actionhero.Public, Transports: []string{actionhero.TransportWeb}, Middleware: limited, Run: l.start,
		},
		// The browser comes from a page of the issuer, so the action is of KindRead. The state stands in for the check of the
		// origin.
		actionhero.Action[callbackInput, actionhero.None]{
			Name: cfg.Name + "Callback", Description: "end a login", Route: "GET " + cfg.Path + "/callback",
			Kind: actionhero.KindRead, Access: actionhero.Public, Transports: []string{actionhero.TransportWeb}, Middleware: limited, Run: l.callback,
		})
}

var loginName = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)

func (c *LoginConfig) check() error {
	switch {
	case c.ClientID == "":
		return errors.New("LoginConfig.ClientID is missing: set the id of this app at the issuer")
	case c.Sessions == nil:
		return errors.New("LoginConfig.Sessions is missing: set the auth.Sessions of the app")
	case !loginName.MatchString(c.Name):
		return fmt.Errorf("LoginConfig.Name is %q: use 1 to 32 letters and digits", c.Name)
	case c.Path[0] != '/' || strings.HasSuffix(c.Path, "/") || strings.ContainsAny(c.Path, "?#{} "):
		return fmt.Errorf("LoginConfig.Path is %q: use a path like /auth", c.Path)
	case c.FailureURL != "" && !isLocalPath(c.FailureURL):
		return fmt.Errorf("LoginConfig.FailureURL is %q: use a path of this server", c.FailureURL)
	case slices.Contains(c.Scopes, ""):
		return errors.New("LoginConfig.Scopes has an empty scope")
	}
	return checkURL("LoginConfig.RedirectURL", c.RedirectURL)
}

// user is the default of LoginConfig.Identity.
func user(ctx context.Context, claims map[string]any) (actionhero.Identity, error) {
	who := actionhero.Identity{Claims: map[string]any{}}
	who.ID, _ = claims["sub"].(string)
	for _, name := range []string{"name", "preferred_username", "email", "email_verified"} {
		if value, ok := claims[name]; ok {
			who.Claims[name] = value
		}
	}
	return who, nil
}

type login struct {
	cfg    LoginConfig
	issuer *issuer
	secure bool   // the callback is reached over HTTPS
	cookie string // its name
}

// attempt is the content of the cookie.
type attempt struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // of PKCE
	Return   string    `json:"r"`
	End      time.Time `json:"e"`
}

type loginInput struct {
	Return string `json:"return" maxLength:"1024" doc:"path of this server to which the browser comes back"`
}

// maxReturn is the length of a path in the cookie.
const maxReturn = 1024

// isLocalPath reports whether a browser that is sent to the path stays on this server. Browsers take a backslash for a
// slash, and leave out tabs and line ends.
func isLocalPath(path string) bool {
	if len(path) > maxReturn || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return false
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return false
	}
	u, err := url.Parse(path)
	return err == nil && u.Scheme == "" && u.Host == ""
}

// start sends the browser to the issuer.
func (l *login) start(ctx context.Context, in loginInput) (none actionhero.None, err error) {
	if in.Return == "" {
		in.Return = "/"
	}
	if !isLocalPath(in.Return) {
		return none, actionhero.Errorf(actionhero.CodeInvalidInput, "return must be a path of this server, which begins with one slash")
	}
	meta, err := l.issuer.metadata(ctx)
	if err == nil {
		err = errors.Join(checkURL("authorization_endpoint of the issuer", meta.Authorization), checkURL("token_endpoint of the issuer", meta.Token))
	}
	if err != nil {
		return none, unreachable(err)
	}
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(), Return: in.Return, End: time.Now().Add(loginTime)}
	text, err := json.Marshal(a)
	if err != nil {
		return none, err
	}
	target, err := url.Parse(meta.Authorization)
	if err != nil {
		return none, err
	}
	challenge := sha256.Sum256([]byte(a.Verifier))
	query := target.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": l.cfg.ClientID, "redirect_uri": l.cfg.RedirectURL, "state": a.State, "nonce": a.Nonce,
		"scope":          strings.Join(append([]string{"openid"}, l.cfg.Scopes...), " "),
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	target.RawQuery = query.Encode()
	l.setCookie(ctx, base64.RawURLEncoding.EncodeToString(text), int(loginTime.Seconds()))
	web.Header(ctx).Set("Cache-Control", "no-store")
	web.Redirect(ctx, target.String(), http.StatusSeeOther)
	return none, nil
}

func unreachable(err error) error {
	return &actionhero.Error{Code: actionhero.CodeUnavailable, Message: "the issuer of the login cannot be reached now", Err: err}
}

// setCookie sets or, with a negative age, deletes the cookie. It is Lax: the browser sends it when it comes from the issuer.
func (l *login) setCookie(ctx context.Context, value string, age int) {
	web.SetCookie(ctx, &http.Cookie{
		Name: l.cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: l.secure, SameSite: http.SameSiteLaxMode,
	})
}
