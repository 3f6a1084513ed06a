package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/contract"
	"github.com/actionhero-go/actionhero/transport"
)

// openAPIName is the name of the action that serves the document, so its path is /api/openapi.json.
const openAPIName = "openapi.json"

// maxDocuments is the number of documents that a server keeps: callers with the same rights share one.
const maxDocuments = 64

// documents holds the documents that have been sent, by the names of the actions in them.
type documents struct {
	mu   sync.Mutex
	kept map[string]openAPI
}

// openAPI is a document and its ETag.
type openAPI struct {
	text []byte
	tag  string
}

// OpenAPI returns the document of OpenAPI 3.1 about the actions that clients may call over HTTP. It describes the
// registered actions, the envelope and the limits of this server. The same app has the same bytes.
func (s *Server) OpenAPI() ([]byte, error) {
	all := s.api.Describe()
	return s.writeOpenAPI(all, overHTTP(all))
}

// overHTTP returns the actions that any client may call over HTTP, known or not.
func overHTTP(d actionhero.Description) actionhero.Description {
	var shown []actionhero.ActionInfo
	for _, info := range d.Actions {
		if info.IsOver(actionhero.TransportWeb) {
			shown = append(shown, info)
		}
	}
	d.Actions = shown
	return d
}

func (s *Server) writeOpenAPI(all, shown actionhero.Description) ([]byte, error) {
	return contract.OpenAPI(all, shown, contract.HTTP{
		Actions: "/" + s.cfg.Common.URLPathForActions, Plain: s.fixed.plain, Echo: s.fixed.echo,
		ErrorCodes: *s.cfg.Common.ReturnErrorCodes, MaxBody: s.cfg.Common.MaxBodyBytes,
	})
}

// addDocument registers the action that serves the document, unless the setting openAPI is off. The limits, the middleware
// and the log of the app apply to it as to each action.
func (s *Server) addDocument() error {
	if s.cfg.Common.OpenAPI == "off" {
		return nil
	}
	return s.api.Register(transport.OwnPart(actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: openAPIName, Description: "Describes the actions, as a document of OpenAPI 3.1", Kind: actionhero.KindRead,
		Access: actionhero.Public, Transports: []string{actionhero.TransportWeb},
		Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
			all := s.api.Describe()
			shown := overHTTP(all)
			if s.cfg.Common.OpenAPI == "caller" {
				shown = all.For(actionhero.IdentityFrom(ctx), actionhero.TransportWeb)
			}
			doc, err := s.document(all, shown)
			if err != nil {
				return nil, err
			}
			header := Header(ctx)
			header.Set("ETag", doc.tag)
			header.Set("Cache-Control", "private, no-cache") // another caller may see other actions
			header.Add("Vary", "Cookie, Authorization")
			return &actionhero.Content{Body: bytes.NewReader(doc.text), Name: openAPIName, Type: "application/json"}, nil
		},
	}))
}

// document returns the document about the actions in shown.
func (s *Server) document(all, shown actionhero.Description) (openAPI, error) {
	key := keyOf(all) + "\n" + keyOf(shown)
	s.documents.mu.Lock()
	defer s.documents.mu.Unlock()
	if doc, ok := s.documents.kept[key]; ok {
		return doc, nil
	}
	text, err := s.writeOpenAPI(all, shown)
	if err != nil {
		return openAPI{}, err
	}
	sum := sha256.Sum256(text)
	doc := openAPI{text, `"` + hex.EncodeToString(sum[:16]) + `"`}
	if s.documents.kept == nil || len(s.documents.kept) >= maxDocuments {
		s.documents.kept = map[string]openAPI{}
	}
	s.documents.kept[key] = doc
	return doc, nil
}

func keyOf(d actionhero.Description) string {
	var names strings.Builder
	for i := range d.Actions {
		names.WriteString(d.Actions[i].VersionedName() + " ")
	}
	return names.String()
}
