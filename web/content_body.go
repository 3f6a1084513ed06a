package web

import (
	"fmt"
	"io"
	"os"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/appbody"
	"github.com/actionhero-go/actionhero/transport"
)

// errLate is the error of a body that returned nothing within the write timeout.
var errLate = fmt.Errorf("the Body of the Content returned nothing for commonWeb.writeTimeout: %w",
	actionhero.Errorf(actionhero.CodeDeadlineExceeded, "The request took too long"))

// contentBody returns the body of a Content for the response to c.
func (s *Server) contentBody(c *call, content *actionhero.Content) *appbody.Body {
	if transport.IsStatic(content) {
		return appbody.New(content.Body, true, appbody.Options{})
	}
	return appbody.New(content.Body, false, appbody.Options{
		Abandoned: s.api.AbandonedBudget(), Client: s.budgetKey(c.req.RemoteIP), Context: c.r.Context(),
		Limit: s.cfg.Common.WriteTimeout, Late: errLate, Log: func(err error) { s.logContent(c, err) },
	})
}

// seekerOf returns the body of a Content as an io.ReadSeeker, if any part of it can be read. The output of a command has a
// method Seek that always fails.
func seekerOf(content *actionhero.Content) (seeker io.ReadSeeker, ok bool) {
	if file, isFile := content.Body.(*os.File); isFile {
		return file, transport.IsStatic(content) || appbody.IsRegular(file)
	}
	seeker, ok = content.Body.(io.ReadSeeker)
	return seeker, ok
}
