package oauth

import "net/http"

// metadata is the endpoint for the metadata of the server (RFC 8414).
func (n *node) metadata(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return notAllowed(w, "GET, HEAD, OPTIONS")
	}
	m := map[string]any{
		"issuer":                                         n.cfg.Issuer,
		"authorization_endpoint":                         n.cfg.Issuer + "/authorize",
		"token_endpoint":                                 n.cfg.Issuer + "/token",
		"revocation_endpoint":                            n.cfg.Issuer + "/revoke",
		"scopes_supported":                               n.scopes,
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          grantTypes,
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          clientMethods,
		"revocation_endpoint_auth_methods_supported":     clientMethods,
		"authorization_response_iss_parameter_supported": true,
		"client_id_metadata_document_supported":          !n.cfg.NoClientDocuments,
	}
	if n.cfg.Registration {
		m["registration_endpoint"] = n.cfg.Issuer + "/register"
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	return writeJSON(w, http.StatusOK, m)
}

// clientMethods are the ways in which a client authenticates itself.
var clientMethods = []string{"none", "client_secret_basic", "client_secret_post"}
