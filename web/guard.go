package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/rs/cors"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/transport"
)

// guard decides which requests the server accepts from browsers. It stands before actions, files and mounted handlers.
type guard struct {
	hosts          browserguard.Hosts
	localHTTP      bool // the HTTP port has a loopback address and allowedHosts is empty: only local names are allowed
	localHTTPS     bool
	checkHost      bool // some requests can be refused because of their host
	allowedOrigins browserguard.Origins
	credentials    bool       // pages of allowedOrigins may send cookies
	cors           *cors.Cors // nil: no page of another origin may read responses
}

func newGuard(cfg *Config) (g guard, err error) {
	common := &cfg.Common
	if g.hosts, err = browserguard.NewHosts("commonWeb.allowedHosts", common.AllowedHosts); err != nil {
		return g, err
	}
	if len(common.AllowedHosts) == 0 {
		g.localHTTP = *cfg.HTTP.Enable && isLoopback(cfg.HTTP.BindIP)
		g.localHTTPS = cfg.https() && isLoopback(cfg.HTTPS.BindIP)
	}
	g.credentials = common.CORSCredentials
	g.checkHost = len(common.AllowedHosts) > 0 && !g.hosts.Any() || g.localHTTP || g.localHTTPS
	if g.allowedOrigins, err = browserguard.NewOrigins("commonWeb.allowedOrigins", common.AllowedOrigins); err != nil {
		return g, err
	}
	for _, method := range common.CORSMethods {
		if !slices.Contains(methods, method) {
			return g, errors.New("commonWeb.corsMethods has \"" + method + "\": it must be one of " + strings.Join(methods, ", "))
		}
	}
	if len(common.AllowedOrigins) > 0 {
		g.cors = newCORS(common, &g.allowedOrigins)
	}
	return g, nil
}

func isLoopback(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return err == nil && addr.Unmap().IsLoopback()
}

func newCORS(common *CommonConfig, origins *browserguard.Origins) *cors.Cors {
	options := cors.Options{
		AllowedMethods: common.CORSMethods, AllowedHeaders: []string{"*"}, ExposedHeaders: common.CORSExposedHeaders,
		AllowCredentials: common.CORSCredentials, MaxAge: int(common.CORSMaxAge.Seconds()),
	}
	if len(options.AllowedMethods) == 0 {
		options.AllowedMethods = methods
	}
	if options.MaxAge == 0 {
		options.MaxAge = -1 // which package cors sends as 0
	}
	if options.AllowedOrigins = []string{"*"}; !origins.Any() {
		options.AllowOriginVaryRequestFunc = func(r *http.Request, origin string) (bool, []string) {
			return len(r.Header["Origin"]) == 1 && origins.Lists(origin), nil
		}
	}
	return cors.New(options)
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// knowsHost reports whether the host for which the client has asked names this server.
func (s *Server) knowsHost(r *http.Request) bool {
	if !s.checkHost || s.hosts.Allow(s.hostOf(r)) {
		return true
	}
	local := s.localHTTP
	if r.TLS != nil {
		local = s.localHTTPS
	}
	return (s.localHTTP || s.localHTTPS) && !local
}

// hostOf returns the host for which the client has asked: the one that a trusted proxy has forwarded, else the Host header.
func (s *Server) hostOf(r *http.Request) string {
	if len(s.proxies) > 0 {
		if _, host := s.Forwarded(r); host != "" {
			return host
		}
	}
	return r.Host
}

func (s *Server) refuseHost(w http.ResponseWriter, r *http.Request) {
	c := &call{server: s, w: w, r: r, status: http.StatusMisdirectedRequest}
	s.fixed.set(w)
	s.begin(c)
	host := s.hostOf(r)
	s.refusals.Warn(s.api.Log(), "requests are refused: their host is not in commonWeb.allowedHosts", "host", browserguard.Shown(host), "to", c.req.RemoteIP)
	s.refuse(c, actionhero.Errorf(actionhero.CodePermissionDenied,
		"this server does not serve the host %.100q: if clients use this name, list it in commonWeb.allowedHosts", host))
}

// isForeign reports whether a page has sent the request that may not have effects with it.
func (g *guard) isForeign(r *http.Request) bool { return g.allowedOrigins.Foreign(r, g.credentials) }

// remedy returns the part of an error that says how the page of a foreign request gets allowed.
func (g *guard) remedy(r *http.Request) string {
	if origin := r.Header["Origin"]; g.allowedOrigins.Any() || len(origin) == 1 && g.allowedOrigins.Lists(origin[0]) {
		return "the page may send it without cookies, or with them if commonWeb.allowedOrigins lists its origin and commonWeb.corsCredentials is on"
	}
	return "to allow the page, list its origin in commonWeb.allowedOrigins"
}

// mayRun returns an error if the request must not run the action that info describes. byRoute reports whether a route of
// the action matches the request; otherwise the request names the action. If info is nil, mayRun returns nil.
func (s *Server) mayRun(r *http.Request, info *actionhero.ActionInfo, byRoute bool) error {
	if info == nil {
		return nil
	}
	if safe := r.Method == http.MethodGet || r.Method == http.MethodHead; safe && !byRoute && hasOnlyUnsafeRoutes(info) {
		return &wrongMethod{
			allowed: unsafeMethods,
			text:    "the action " + info.Name + " is not run by " + r.Method + ", because its route has another method",
		}
	}
	if info.Kind != actionhero.KindRead && s.isForeign(r) {
		return actionhero.Errorf(actionhero.CodePermissionDenied, "a page of another site may not run the action %s, because it may change something: %s", info.Name, s.remedy(r))
	}
	return nil
}

// unsafeMethods are the methods by which an action without routes for GET is run under its name.
var unsafeMethods = []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// hasOnlyUnsafeRoutes reports whether an action has routes, but none for GET or HEAD.
func hasOnlyUnsafeRoutes(info *actionhero.ActionInfo) bool {
	for _, text := range info.Routes {
		if strings.HasPrefix(text, "GET ") || strings.HasPrefix(text, "HEAD ") {
			return false
		}
	}
	return len(info.Routes) > 0
}

// wrongMethod is the error for a request with a method that its path does not accept. allowed lists the accepted
// methods.
type wrongMethod struct {
	allowed []string
	text    string // empty: the text names the accepted methods
}

func (e *wrongMethod) Error() string {
	if e.text != "" {
		return e.text
	}
	return "this path answers to " + strings.Join(e.allowed, ", ") + " only"
}

// allow returns the value of the header Allow. Each path also answers to OPTIONS, and to HEAD if it answers to GET.
func (e *wrongMethod) allow() string {
	allowed := slices.Clone(e.allowed)
	if slices.Contains(allowed, http.MethodGet) && !slices.Contains(allowed, http.MethodHead) {
		allowed = append(allowed, http.MethodHead)
	}
	if !slices.Contains(allowed, http.MethodOptions) {
		allowed = append(allowed, http.MethodOptions)
	}
	return strings.Join(allowed, ", ")
}

// errOddPath is the error for an odd path. A proxy or a mounted handler may read an odd path as another path than this
// server does, so an odd path must not lead around the rules for that other path.
var errOddPath = actionhero.Errorf(actionhero.CodeNotFound, "a path with an escaped slash, a backslash or a NUL names nothing here")

// isOdd reports whether the path of a URL has an escaped slash, a backslash or a NUL.
func isOdd(u *url.URL) bool {
	return strings.IndexByte(u.Path, '\\') >= 0 || strings.IndexByte(u.Path, 0) >= 0 ||
		u.RawPath != "" && (strings.Contains(u.RawPath, "%2F") || strings.Contains(u.RawPath, "%2f"))
}

// methodsOf returns an error with the methods that the path of a request accepts, for the answers to OPTIONS and to
// methods that are not known. t and err are the results of resolve.
func (s *Server) methodsOf(t target, err error) *wrongMethod {
	if wrong, ok := errors.AsType[*wrongMethod](err); ok {
		return wrong
	}
	if t.isFile {
		return &wrongMethod{allowed: fileMethods}
	}
	if info := s.api.Action(t.action); info != nil && hasOnlyUnsafeRoutes(info) {
		return &wrongMethod{allowed: unsafeMethods}
	}
	return &wrongMethod{allowed: methods}
}

// serveOptions answers OPTIONS with the methods that the path accepts, and a preflight also with the CORS headers. It
// runs nothing.
func (s *Server) serveOptions(c *call, t target, err error) {
	c.w.Header().Set("Allow", s.methodsOf(t, err).allow())
	if s.cors != nil && isPreflight(c.r) {
		s.cors.HandlerFunc(c.w, c.r) // adds headers and sends the status 204
		return
	}
	c.w.WriteHeader(http.StatusNoContent)
}

// readCallback sets the JSONP callback of the response to the param "callback". If the request may not have a JSONP
// response, readCallback returns an error. JSONP responses are scripts, which pages of all sites can read, so they are
// only for requests without credentials and for actions without effects.
func (s *Server) readCallback(c *call, req *actionhero.Request, info *actionhero.ActionInfo) error {
	if !s.jsonp {
		return nil
	}
	callback := req.Params.Get("callback")
	switch {
	case callback == "":
	case !isCallback(callback):
		return actionhero.Errorf(actionhero.CodeInvalidInput, "callback must be a JavaScript name, with dots if need be, of at most %d characters", maxCallback)
	case browserguard.HasCredentials(c.r):
		return actionhero.Errorf(actionhero.CodePermissionDenied, "callback must not be sent with Cookie or Authorization: any page can read a JSONP response")
	case info != nil && info.Kind != actionhero.KindRead:
		return actionhero.Errorf(actionhero.CodePermissionDenied, "callback is only for actions that read: %s may change something", info.Name)
	default:
		c.callback = callback
	}
	return nil
}

// refuse answers a request that is not dispatched with the error err. The HTTP status follows from err even if the
// setting returnErrorCodes is off.
func (s *Server) refuse(c *call, err error) {
	err = c.clientError(err)
	c.refused, c.returned = true, true
	transport.ParamsOf(&c.req.Params).SetPage(s.api.API)
	s.sendEnvelope(c, &c.req, nil, err)
}
