package oauth

import "net/http"

// The tests use these names.
var (
	IsPublic         = isPublic
	CheckRedirect    = checkRedirect
	CheckDocumentURL = checkDocumentURL
	Covers           = covers
)

// WithClient returns the configuration with a client that fetches the documents.
func (c Config) WithClient(client *http.Client) Config {
	c.client = client
	return c
}
