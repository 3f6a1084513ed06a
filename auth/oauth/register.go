package oauth

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
)

// registeredPrefix is the beginning of the id of a client that has registered itself.
const registeredPrefix = "reg_"

const (
	unusedLife   = 24 * time.Hour // of a registered client without a grant
	maxBodyBytes = 64 << 10       // of a request

	maxRegistered = 10_000 // clients that have registered themselves at a server without a cluster
)

// metadata is what a client says of itself (RFC 7591, 2). Members that this package does not know are ignored.
type metadata struct {
	Name          string   `json:"client_name,omitempty"`
	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types,omitempty"`
	ResponseTypes []string `json:"response_types,omitempty"`
	Method        string   `json:"token_endpoint_auth_method,omitempty"`
}

var grantTypes = []string{"authorization_code", "refresh_token"}

// client returns the client with these metadata.
func (m *metadata) client() (*client, error) {
	if len(m.RedirectURIs) == 0 || len(m.RedirectURIs) > maxRedirects {
		return nil, fmt.Errorf("redirect_uris has %d URIs: use from 1 to %d", len(m.RedirectURIs), maxRedirects)
	}
	size := 0
	for _, uri := range m.RedirectURIs {
		if err := checkRedirect(uri); err != nil {
			return nil, err
		}
		size += len(uri)
	}
	if size > maxURIs {
		return nil, fmt.Errorf("redirect_uris has more than %d bytes", maxURIs)
	}
	if m.GrantTypes != nil && !slices.Contains(m.GrantTypes, "authorization_code") {
		return nil, errors.New("grant_types does not have authorization_code")
	}
	if m.ResponseTypes != nil && !slices.Contains(m.ResponseTypes, "code") {
		return nil, errors.New("response_types does not have code")
	}
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return ' ' // a name must not change how the user reads the page
		}
		return r
	}, m.Name)
	if name = strings.Join(strings.Fields(name), " "); len(name) > maxName {
		return nil, fmt.Errorf("client_name has more than %d bytes", maxName)
	}
	return &client{Name: name, Redirects: m.RedirectURIs}, nil
}

// registered is the answer to a registration (RFC 7591, 3.2.1).
type registered struct {
	ClientID      string `json:"client_id"`
	IssuedAt      int64  `json:"client_id_issued_at"`
	Secret        string `json:"client_secret,omitempty"`
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"`
	metadata
}

// register is the endpoint for registrations (RFC 7591).
func (n *node) register(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return notAllowed(w, "POST, OPTIONS")
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return fail("invalid_client_metadata", "the Content-Type must be application/json")
	}
	if err := n.registrations.Allow(r.Context(), n.remoteIP(r)); err != nil {
		return err
	}
	if err := n.allRegistrations.Allow(r.Context(), "all"); err != nil {
		return err
	}
	if n.records.has(clientKind, maxRegistered) {
		n.log(r, "a registration was refused, because there are too many clients")
		return actionhero.Errorf(actionhero.CodeUnavailable, "there are too many clients")
	}
	var m metadata
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return fail("invalid_client_metadata", "the body is not a JSON object with the members of RFC 7591")
	}
	c, err := m.client()
	if err != nil {
		code := "invalid_client_metadata"
		if strings.Contains(err.Error(), "redirect") {
			code = "invalid_redirect_uri"
		}
		return fail(code, err.Error())
	}
	answer := registered{metadata: m}
	switch m.Method {
	case "", "client_secret_basic", "client_secret_post": // RFC 7591, 2: the default is client_secret_basic
		answer.Secret = rand.Text() + rand.Text()
		answer.SecretExpires = new(int64(0))
		c.Secret = hashOf(answer.Secret)
		if m.Method == "" {
			answer.Method = "client_secret_basic"
		}
	case "none":
	default:
		return fail("invalid_client_metadata", fmt.Sprintf("token_endpoint_auth_method is %.50q: use none, client_secret_basic or client_secret_post", m.Method))
	}
	c.ID, c.Created = registeredPrefix+strings.ToLower(rand.Text()), time.Now().UTC()
	if err := n.records.put(r.Context(), clientKind, c.ID, c, time.Now().Add(unusedLife)); err != nil {
		return err
	}
	n.log(r, "a client has registered itself", "client", c.ID, "name", c.Name)
	answer.ClientID, answer.IssuedAt, answer.Name = c.ID, c.Created.Unix(), c.Name
	answer.GrantTypes, answer.ResponseTypes = grantTypes, []string{"code"}
	return writeJSON(w, http.StatusCreated, answer)
}
