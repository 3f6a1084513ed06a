package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// Document is a document about the app, such as the one of OpenAPI. See [Server.AddDocument].
type Document struct {
	Name, Description string // of the action that serves the document; its path is /api/NAME
	// Transport is the transport whose actions the document has, such as actionhero.TransportWeb; empty: all.
	Transport string
	// Of returns the part of the app that the document of a caller with all rights has; nil: the whole app.
	Of func(actionhero.Description) actionhero.Description
	// Write returns the JSON of a document about the actions and events in shown. all is the whole app.
	Write func(all, shown actionhero.Description) ([]byte, error)
}

// maxDocuments is the number of documents that a server keeps: callers with the same rights share one.
const maxDocuments = 64

// documents holds the documents that have been sent, by their names and the names of the actions and events in them.
type documents struct {
	mu   sync.Mutex
	kept map[string]keptDocument
}

// keptDocument is a document and its ETag.
type keptDocument struct {
	text []byte
	tag  string
}

// AddDocument registers the action that serves a document, unless the setting commonWeb.openAPI is off. By that setting, the
// document has what the asking client may call, or everything. The limits, the middleware and the log of the app apply to
// the action. An action of the app of the same name comes first. Call AddDocument before the start.
func (s *Server) AddDocument(d Document) error {
	if s.cfg.Common.OpenAPI == "off" {
		return nil
	}
	return s.api.Register(transport.OwnPart(actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: d.Name, Description: d.Description, Kind: actionhero.KindRead,
		Access: actionhero.Public, Transports: []string{actionhero.TransportWeb},
		Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
			all := s.api.Describe()
			shown := all
			if d.Of != nil {
				shown = d.Of(all)
			}
			if s.cfg.Common.OpenAPI == "caller" {
				shown = shown.For(actionhero.IdentityFrom(ctx), d.Transport)
			}
			doc, err := s.document(&d, all, shown)
			if err != nil {
				return nil, err
			}
			header := Header(ctx)
			header.Set("ETag", doc.tag)
			header.Set("Cache-Control", "private, no-cache") // another caller may see other actions
			header.Add("Vary", "Cookie, Authorization")
			return &actionhero.Content{Body: bytes.NewReader(doc.text), Name: d.Name, Type: "application/json"}, nil
		},
	}))
}

// document returns the document about the actions and events in shown.
func (s *Server) document(d *Document, all, shown actionhero.Description) (keptDocument, error) {
	key := d.Name + "\n" + keyOf(&all) + "\n" + keyOf(&shown)
	s.documents.mu.Lock()
	defer s.documents.mu.Unlock()
	if doc, ok := s.documents.kept[key]; ok {
		return doc, nil
	}
	text, err := d.Write(all, shown)
	if err != nil {
		return keptDocument{}, err
	}
	sum := sha256.Sum256(text)
	doc := keptDocument{text, `"` + hex.EncodeToString(sum[:16]) + `"`}
	if s.documents.kept == nil || len(s.documents.kept) >= maxDocuments {
		s.documents.kept = map[string]keptDocument{}
	}
	s.documents.kept[key] = doc
	return doc, nil
}

// keyOf returns a text that descriptions of the same actions and events of one app have in common.
func keyOf(d *actionhero.Description) string {
	var names strings.Builder
	for i := range d.Actions {
		names.WriteString(d.Actions[i].VersionedName() + " ")
	}
	for i := range d.Events {
		names.WriteString("/" + d.Events[i].Name)
	}
	return names.String()
}
