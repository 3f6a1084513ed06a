package web

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/contract"
)

// openAPIName is the name of the action that serves the document, so its path is /api/openapi.json.
const openAPIName = "openapi.json"

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

// addOpenAPI registers the action that serves the document, unless the setting openAPI is off.
func (s *Server) addOpenAPI() error {
	return s.AddDocument(Document{
		Name: openAPIName, Description: "Describes the actions, as a document of OpenAPI 3.1", Of: overHTTP, Transport: actionhero.TransportWeb, Write: s.writeOpenAPI,
	})
}
