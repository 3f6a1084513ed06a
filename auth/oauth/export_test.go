package oauth

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero"
)

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

// MaxRegistered is the limit of registered clients.
const MaxRegistered = maxRegistered

// FillClients stores n registered clients in the API.
func (s *Server) FillClients(ctx context.Context, api *actionhero.API, n int) error {
	node, err := s.node(api)
	for i := range n {
		if err == nil {
			err = node.records.put(ctx, clientKind, fmt.Sprint(registeredPrefix, i), client{}, time.Now().Add(time.Hour))
		}
	}
	return err
}
