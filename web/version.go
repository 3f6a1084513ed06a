package web

import (
	"net/http"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/route"
)

// version returns the description of the version that a request asks for: by its path, a param or the header Api-Version.
// newest is the action that t names. If there is no such version, version returns nil, and Dispatch returns the error. A
// path such as /api/v2/NAME names the version itself. A route belongs to the newest version that declares it, and to the
// others if the request asks for them. It is called again after the body, whose params count as well.
func (s *Server) version(c *call, t *target, newest *actionhero.ActionInfo) (*actionhero.ActionInfo, error) {
	req := &c.req
	if !t.byRoute {
		if t.action == newest.Name {
			c.vary()
		}
		return s.api.Requested(req), nil
	}
	c.vary()
	asked, err := s.api.AskedVersion(req)
	if err != nil {
		return newest, err
	}
	if asked == 0 {
		asked = newest.Version
	}
	name := "v" + strconv.Itoa(asked) + "/" + newest.Name
	if name == req.Action {
		return s.api.Action(name), nil
	}
	req.Action = name
	info := s.api.Action(name)
	if info == nil {
		return nil, nil
	}
	if t.values, err = s.valuesOf(info, c); err != nil {
		return newest, err
	}
	return info, nil
}

// vary says once that the answer depends on the header Api-Version.
func (c *call) vary() {
	if !c.varies {
		c.varies = true
		c.w.Header().Add("Vary", "Api-Version")
	}
}

// valuesOf returns the params in the path of the request, as a route of info names them.
func (s *Server) valuesOf(info *actionhero.ActionInfo, c *call) (values [][2]string, err error) {
	var table route.Table[string]
	for _, text := range info.Routes {
		pattern, err := route.Parse(text)
		if err == nil {
			err = table.Add(pattern, text)
		}
		if err != nil {
			return nil, err
		}
	}
	first := firstSegment(c.r.URL.Path)
	isLiteral := first == s.cfg.Common.URLPathForActions || first == s.cfg.Common.URLPathForFiles
	_, _, ok := table.Match(c.r.Method, c.r.URL.EscapedPath(), isLiteral, func(name, text string) {
		values = append(values, [2]string{name, text})
	})
	if !ok {
		return nil, actionhero.Errorf(actionhero.CodeNotFound, "version %d of %s has no route for this path: call it as %s", info.Version, info.Name, s.pathOf(info.VersionedName()))
	}
	return values, nil
}

// pathOf returns the path at which each action with this name is, whatever its routes.
func (s *Server) pathOf(name string) string { return "/" + s.cfg.Common.URLPathForActions + "/" + name }

// afterBody returns the description of the action that a request asks for after its body has been read, whose params may
// name the action and its version. before is the action that the request asked for without the body; nil: none.
func (s *Server) afterBody(c *call, t *target, newest, before *actionhero.ActionInfo) (info *actionhero.ActionInfo, err error) {
	if info = newest; newest.Version > 0 {
		info, err = s.version(c, t, newest)
	}
	if info == before || info == nil || err != nil {
		return info, err
	}
	if err = s.mayRun(c.r, info, t.byRoute); err == nil && info.MaxBody > 0 && c.bodyRead > info.MaxBody {
		err = &http.MaxBytesError{Limit: info.MaxBody}
	}
	return info, err
}

// tellDeprecation adds the headers about a deprecated action: Deprecation (RFC 9745), Sunset (RFC 8594), and Link with the
// page about the change and the action to call instead (RFC 5829).
func (s *Server) tellDeprecation(c *call, d *actionhero.Deprecation) {
	since, sunset := d.Times()
	header := c.w.Header()
	header.Set("Deprecation", "@"+strconv.FormatInt(since.Unix(), 10))
	if !sunset.IsZero() {
		header.Set("Sunset", sunset.UTC().Format(http.TimeFormat))
	}
	if d.Link != "" {
		header.Add("Link", "<"+d.Link+`>; rel="deprecation"`)
	}
	if info := s.api.Action(d.Replacement); info != nil {
		header.Add("Link", "<"+s.pathOf(d.Replacement)+`>; rel="successor-version"`)
	}
}
