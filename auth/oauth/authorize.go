package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
)

// consentLife is the time that a user has to decide.
const consentLife = 10 * time.Minute

// request is a request of a client for a code, which has passed all checks.
type request struct {
	Client    string   `json:"client"`
	Name      string   `json:"name"`
	Redirect  string   `json:"redirect"`
	State     string   `json:"state,omitempty"`
	HasState  bool     `json:"hasState,omitempty"`
	Scopes    []string `json:"scopes"`
	Resource  string   `json:"resource"`
	Challenge string   `json:"challenge"`
}

// consent is a request that waits for the decision of a user.
type consent struct {
	Request request `json:"request"`
	User    string  `json:"user"`
}

// authorize is the endpoint to which a client sends the browser of the user.
func (n *node) authorize(w http.ResponseWriter, r *http.Request) error {
	who := actionhero.IdentityFrom(r.Context())
	if err := isPerson(r, who); err != nil {
		return err
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return n.ask(w, r, who)
	case http.MethodPost:
		return n.decide(w, r, who)
	}
	return notAllowed(w, "GET, HEAD, POST")
}

// isPerson returns an error if a program calls: it must not allow itself more than it has.
func isPerson(r *http.Request, who actionhero.Identity) error {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme != "" && !strings.EqualFold(scheme, "Basic") || ClientIDOf(who) != "" || auth.KeyIDOf(who) != "" {
		return &failure{code: "access_denied", text: "only a person with a browser can allow a client something", status: http.StatusForbidden}
	}
	return nil
}

// ask shows the user what the client wants.
func (n *node) ask(w http.ResponseWriter, r *http.Request, who actionhero.Identity) error {
	if who.ID == "" {
		to := n.cfg.Login + "?return_to=" + url.QueryEscape(r.URL.RequestURI())
		http.Redirect(w, r, to, http.StatusFound)
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fail("invalid_request", "the query is malformed")
	}
	if err := n.questions.Allow(r.Context(), who.ID); err != nil {
		return err
	}
	c, redirect, err := n.asks(r.Context(), query, who.ID)
	if err != nil {
		return err
	}
	req := request{Client: c.ID, Name: c.Name, Redirect: redirect, State: query.Get("state"), HasState: query.Has("state")}
	if err := n.fill(&req, c, query, who); err != nil {
		f := n.asFailure(r, err)
		n.log(r, "a client was refused", "client", c.ID, "user", who.ID, "reason", f.Error())
		values := url.Values{"error": {f.code}, "error_description": {f.text}}
		if c.stranger { // a link to this site must not lead on to any site without a word (RFC 9700, 4.11.2)
			return show(w, f.status, "error", map[string]any{"Title": "Error", "Text": f.text, "Code": f.code, "Back": template.URL(n.target(&req, values))})
		}
		return n.answer(w, &req, values)
	}
	if c.trusted {
		return n.allow(w, r, &req, who, req.Scopes)
	}
	id := newSecret()
	if err := n.consents.Set(r.Context(), n.api, codeKey(id), consent{req, who.ID}, consentLife); err != nil {
		return err
	}
	return n.showConsent(w, r, c, &req, who, id)
}

// asks returns the client and the URI to which the answer goes. Before both are known to belong together, an error must not
// be sent to the URI: the user reads it (RFC 6749, 4.1.2.1).
func (n *node) asks(ctx context.Context, query url.Values, user string) (*client, string, error) {
	if len(query["client_id"]) != 1 || len(query["redirect_uri"]) > 1 {
		return nil, "", fail("invalid_request", "client_id must be given once, and redirect_uri not more than once")
	}
	c, err := n.find(ctx, query.Get("client_id"), user)
	if errors.Is(err, errNoClient) {
		return nil, "", fail("invalid_client", err.Error())
	}
	if err != nil {
		return nil, "", err
	}
	redirect := query.Get("redirect_uri")
	if redirect == "" && len(c.Redirects) == 1 {
		redirect = c.Redirects[0]
	}
	if redirect == "" || !c.hasRedirect(redirect) {
		return nil, "", fail("invalid_request", "redirect_uri is none of the client")
	}
	return c, redirect, nil
}

var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`) // of S256

// fill checks the rest of a request.
func (n *node) fill(req *request, c *client, query url.Values, who actionhero.Identity) error {
	if err := once(query); err != nil {
		return err
	}
	switch {
	case query.Has("request"):
		return fail("request_not_supported", "send the params in the query")
	case query.Has("request_uri"):
		return fail("request_uri_not_supported", "send the params in the query")
	case query.Get("response_type") == "":
		return fail("invalid_request", "response_type is missing")
	case query.Get("response_type") != "code":
		return fail("unsupported_response_type", "response_type must be code")
	case query.Has("response_mode") && query.Get("response_mode") != "query":
		return fail("invalid_request", "response_mode must be query")
	case query.Get("code_challenge") == "":
		return fail("invalid_request", "code_challenge is missing: use PKCE with S256")
	case query.Get("code_challenge_method") != "S256":
		return fail("invalid_request", "code_challenge_method must be S256")
	case !challengePattern.MatchString(query.Get("code_challenge")):
		return fail("invalid_request", "code_challenge is not the SHA-256 of a verifier in base64url")
	case len(req.State) > maxURI:
		return fail("invalid_request", "state is too long")
	}
	req.Challenge = query.Get("code_challenge")
	var ok bool
	if req.Resource, ok = n.resource(query.Get("resource")); !ok {
		return fail("invalid_target", "resource must be a URL of "+n.cfg.Issuer+" without a query")
	}
	var err error
	req.Scopes, err = n.scopesFor(c, strings.Fields(query.Get("scope")), who)
	return err
}

// scopesFor returns the scopes that the user is asked for: those with the names, or all that the client and the user may have.
func (n *node) scopesFor(c *client, names []string, who actionhero.Identity) ([]string, error) {
	may := slices.DeleteFunc(slices.Clone(n.scopes), func(name string) bool {
		return c.Scopes != nil && !slices.Contains(c.Scopes, name) || !who.HasScope(name)
	})
	if len(names) == 0 {
		names = may
	}
	slices.Sort(names)
	names = slices.Compact(slices.Clone(names))
	for _, name := range names {
		if !slices.Contains(may, name) {
			return nil, fail("invalid_scope", "scope has a name that this client or this user cannot have")
		}
	}
	if len(names) == 0 {
		return nil, fail("invalid_scope", "there is no scope that this client and this user can have")
	}
	return names, nil
}

// decide reads the decision of the user. The form of another site cannot make it: it does not know the id of the consent.
func (n *node) decide(w http.ResponseWriter, r *http.Request, who actionhero.Identity) error {
	form, err := decision(r)
	if err != nil {
		return err
	}
	key := codeKey(form.Get("consent"))
	c, err := n.consents.Get(r.Context(), n.api, key)
	if isMissing(err) || err == nil && (who.ID == "" || c.User != who.ID) {
		return fail("invalid_request", "this page is too old, or was used, or belongs to another login: start again in the program")
	}
	if err != nil {
		return err
	}
	if was, err := n.consents.Delete(r.Context(), n.api, key); err != nil || !was {
		return cmpOr(err, fail("invalid_request", "this page was used: start again in the program"))
	}
	scopes := slices.DeleteFunc(slices.Clone(c.Request.Scopes), func(name string) bool { return !slices.Contains(form["scope"], name) || !who.HasScope(name) })
	if form.Get("decision") != "allow" || len(scopes) == 0 {
		n.log(r, "a user has refused a client", "client", c.Request.Client, "user", who.ID)
		return n.answer(w, &c.Request, url.Values{"error": {"access_denied"}, "error_description": {"the user has refused"}})
	}
	return n.allow(w, r, &c.Request, who, scopes)
}

// decision returns the form of the page.
func decision(r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxBodyBytes)
	if err := r.ParseForm(); err != nil {
		return nil, fail("invalid_request", "the form cannot be read")
	}
	return r.PostForm, nil
}

// allow sends the client a code.
func (n *node) allow(w http.ResponseWriter, r *http.Request, req *request, who actionhero.Identity, scopes []string) error {
	epoch, err := n.epoch(r.Context(), who.ID)
	if err != nil {
		return err
	}
	text := rand.Text() + rand.Text()
	err = n.codes.Set(r.Context(), n.api, codeKey(text), code{*req, who.ID, who.Roles, who.Claims, scopes, epoch}, codeLife)
	if err != nil {
		return err
	}
	n.log(r, "a user has allowed a client", "client", req.Client, "user", who.ID, "scopes", strings.Join(scopes, " "), "resource", req.Resource)
	return n.answer(w, req, url.Values{"code": {text}})
}

// answer sends the browser back to the client.
func (n *node) answer(w http.ResponseWriter, req *request, values url.Values) error {
	w.Header().Set("Location", n.target(req, values))
	w.WriteHeader(http.StatusSeeOther) // the browser must not send the form on (RFC 9700, 4.12)
	return nil
}

// target returns the URI of the client with the values of an answer.
func (n *node) target(req *request, values url.Values) string {
	if values.Set("iss", n.cfg.Issuer); req.HasState { // RFC 9207
		values.Set("state", req.State)
	}
	to, query, has := strings.Cut(req.Redirect, "?")
	if has && query != "" {
		query += "&"
	}
	return to + "?" + query + values.Encode()
}
