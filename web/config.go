package web

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// Config holds the sections of the configuration that this package reads. [New] replaces each zero field of a section
// by the default in the field's tag. In a Config that server.Load returned, a zero field keeps the value zero.
type Config struct {
	Common CommonConfig
	HTTP   HTTPConfig
	HTTPS  HTTPSConfig
}

type filled = setting.Filled

var _, _, _ = CommonConfig{}.filled, HTTPConfig{}.filled, HTTPSConfig{}.filled // package setting reads the field by reflection

// CommonConfig is the section "commonWeb" of the configuration. It holds the settings that HTTP and HTTPS share.
type CommonConfig struct {
	filled

	HTTPHeaders       map[string]string `json:"httpHeaders" doc:"headers of every response"`
	URLPathForActions string            `json:"urlPathForActions" default:"api" range:"one segment of a path" doc:"first segment of the URLs of actions"`
	URLPathForFiles   string            `json:"urlPathForFiles" default:"public" range:"one segment of a path" doc:"first segment of the URLs of files"`
	RootEndpointType  string            `json:"rootEndpointType" default:"api" enum:"api,public" doc:"kind of the URLs that begin with neither: actions or files"`
	HealthPath        string            `json:"healthPath" default:"/healthz" range:"a path that begins with /, or empty for none" doc:"path at which a load balancer reads whether the server is ready: status 200, or 503 during a start and a stop while the backend cannot be reached and while a health check of the app fails, and with ?live always 200; actions, routes, handlers and files of the app at this path come first"`

	Envelope string `json:"envelope" default:"classic" enum:"classic,plain" doc:"form of the answers of actions: classic is one object with the output, serverInformation, requestorInformation and error; plain is the output alone, with errors as application/problem+json (RFC 9457)"`

	OpenAPI string `json:"openAPI" default:"caller" enum:"caller,all,off" doc:"the actions in the documents at /api/openapi.json and /api/asyncapi.json: caller has those that the asking client may call, all has every one, and off serves no document; an action of the app with the name of a document comes first"`

	DocsPage *bool `json:"docsPage" default:"true" doc:"serve the page of the API at docs/ below the path of the files, unless the folder of static files has a folder docs, or openAPI is off"`

	ReturnErrorCodes      *bool    `json:"returnErrorCodes" default:"true" doc:"send an error with its HTTP status; if off, actions answer errors with status 200"`
	FlatFileCacheDuration int      `json:"flatFileCacheDuration" default:"60" unit:"seconds" range:"0 or more, or negative to forbid caching" doc:"time for which a client may cache a file"`
	Compress              *bool    `json:"compress" default:"true" doc:"compress files and large responses for clients that accept it"`
	TrustedProxies        []string `json:"trustedProxies" range:"addresses or networks (CIDR)" doc:"proxies whose headers X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto and Forwarded are used; they must set or remove each of these headers of a client"`

	AllowedHosts       []string      `json:"allowedHosts" auto:"any name; only localhost and IP addresses if bindIP is a loopback address" doc:"names under which clients reach the server, like example.com or *.example.com, besides localhost and IP addresses; * is any"`
	AllowedOrigins     []string      `json:"allowedOrigins" doc:"origins whose pages may run every action without cookies and read responses (CORS), like https://example.com or https://*.example.com; * is any"`
	CORSCredentials    bool          `json:"corsCredentials" doc:"pages of allowedOrigins may run every action with cookies and read the responses"`
	CORSMethods        []string      `json:"corsMethods" auto:"all methods" doc:"methods that pages of allowedOrigins may use"`
	CORSExposedHeaders []string      `json:"corsExposedHeaders" doc:"response headers that pages of allowedOrigins may read"`
	CORSMaxAge         time.Duration `json:"corsMaxAge" default:"10m" min:"0" doc:"time for which a browser may remember what a page of allowedOrigins may do"`

	JSONP      *bool `json:"jsonp" auto:"true in the stock server, false in an app" doc:"answer JSONP to requests with the param callback, for actions that only read and requests without cookies"`
	EchoParams *bool `json:"echoParams" auto:"true in the stock server, false in an app" doc:"repeat the params of a request in recievedParams of the response"`
	PoweredBy  *bool `json:"poweredBy" auto:"true in the stock server, false in an app" doc:"send general.serverName in the header X-Powered-By"`

	FastPath *bool `json:"fastPath" default:"true" doc:"serve ordinary HTTP/1.1 requests by the fast path of this server; if off, net/http serves all requests, with the same answers and up to half the speed"`

	MaxConns         int    `json:"maxConnections" default:"20000" min:"-1" unit:"connections" range:"above zero, or 0 or -1 for no limit" limit:"server" reached:"the connection closes" doc:"connections to the ports for HTTP and HTTPS that may be open"`
	MaxConnsPerAddr  int    `json:"maxConnectionsPerAddress" default:"1000" min:"-1" unit:"connections" range:"above zero, or 0 or -1 for no limit" limit:"address" reached:"the connection closes" doc:"connections that one client address may have open; it does not apply to trustedProxies and loopback"`
	MaxBodyBytes     int64  `json:"maxBodyBytes" unit:"bytes" default:"10 MiB" min:"1" limit:"request" reached:"status 413" doc:"size of the body of a request, unless its action has MaxBody"`
	MaxBufferedBytes int64  `json:"maxBufferedBytes" unit:"bytes" default:"256 MiB" min:"64 KiB" limit:"server" reached:"503 with Retry-After" doc:"bytes that the bodies and answers of all requests may have in memory, without the first 16 KiB of each; one address may have as many as are still free"`
	FileCacheBytes   int64  `json:"fileCacheBytes" unit:"bytes" default:"16 MiB" min:"-1" range:"above zero, or 0 or -1 for none" doc:"memory for static files of up to 64 KiB and their compressed forms; each request looks whether the file on disk is still the same"`
	MaxUploadBytes   int64  `json:"maxUploadBytesTotal" unit:"bytes" default:"256 MiB" min:"64 KiB" limit:"server" reached:"503 with Retry-After" doc:"bytes that the uploads of all requests may have in temporary files; one address may have as many as are still free"`
	UploadDirectory  string `json:"uploadDirectory" auto:"the system's folder for temporary files" doc:"folder of the temporary files that hold uploads of more than 16 KiB"`

	MaxHeaderBytes int           `json:"maxHeaderBytes" unit:"bytes" default:"64 KiB" min:"1" limit:"request" reached:"status 431" doc:"size of the headers of a request"`
	HeaderTimeout  time.Duration `json:"headerTimeout" default:"10s" min:"1ns" limit:"client" reached:"the connection closes" doc:"time within which the headers of a request, or a TLS handshake, must be complete"`
	ReadTimeout    time.Duration `json:"readTimeout" default:"10s" min:"1ns" limit:"request" reached:"status 408" doc:"time within which the body must be complete; it grows by a second for each KiB read"`
	WriteTimeout   time.Duration `json:"writeTimeout" default:"10s" min:"1ns" limit:"client" reached:"the connection closes" doc:"time within which a client must read 64 KiB of a response, and the Body of a Content must return its next bytes"`
	IdleTimeout    time.Duration `json:"idleTimeout" default:"2m" min:"1ns" limit:"client" reached:"the connection closes" doc:"time for which a connection without a request stays open"`
}

// HTTPConfig is the section "httpServer" of the configuration. It holds the settings of the port for HTTP.
type HTTPConfig struct {
	filled

	Enable *bool  `json:"enable" default:"true" doc:"listen for HTTP"`
	Port   int    `json:"port" default:"8080" min:"1" max:"65535" also:"-1" range:"1 to 65535, or -1 for any free port" doc:"port to listen on"`
	BindIP string `json:"bindIP" doc:"IP address to listen on; empty is all"`
}

// HTTPSConfig is the section "httpsServer" of the configuration. It holds the settings of the port for HTTPS.
type HTTPSConfig struct {
	filled

	Enable   *bool  `json:"enable" auto:"true if certFile is set" doc:"listen for HTTPS"`
	Port     int    `json:"port" default:"4443" min:"1" max:"65535" also:"-1" range:"1 to 65535, or -1 for any free port" doc:"port to listen on"`
	BindIP   string `json:"bindIP" doc:"IP address to listen on; empty is all"`
	CertFile string `json:"certFile" doc:"file of the PEM certificate chain; it is read again when it changes"`
	KeyFile  string `json:"keyFile" doc:"file of the PEM private key"`

	ClientCAFile string `json:"clientCAFile" doc:"file of the PEM certificates of the authorities that sign the certificates of clients; empty asks no client for a certificate; it is read again when it changes"`
	ClientCert   string `json:"clientCert" default:"optional" enum:"optional,required" doc:"with clientCAFile: whether a client must have a certificate, or may connect without one; a wrong one always ends the connection"`

	HSTS time.Duration `json:"hsts" min:"0" doc:"time for which browsers use only HTTPS for this host (Strict-Transport-Security); 0 is off"`

	MaxStreams  int `json:"maxStreams" default:"64" min:"1" max:"10000" unit:"requests" limit:"client" reached:"the request waits, or its stream is refused" doc:"requests of one HTTP/2 connection at the same time"`
	MaxRequests int `json:"maxRequests" default:"4096" min:"8" unit:"requests" limit:"server" reached:"503 without a body, with Retry-After" doc:"HTTP/2 requests at the same time; one address may have an eighth of them"`
}

// complete sets the default of every unset setting and then checks all settings. If a setting is wrong, complete
// returns an error that names the setting.
func (c *Config) complete() error {
	setting.Fill(c)
	for name, prefix := range map[string]string{"urlPathForActions": c.Common.URLPathForActions, "urlPathForFiles": c.Common.URLPathForFiles} {
		if prefix == "" || strings.ContainsAny(prefix, "/?#% ") || prefix == "file" {
			return fmt.Errorf("commonWeb.%s is %q: it must be one segment of a path, and not \"file\"", name, prefix)
		}
	}
	if path := c.Common.HealthPath; path != "" && (path[0] != '/' || path == "/" || strings.ContainsAny(path, "?#% ")) {
		return fmt.Errorf("commonWeb.healthPath is %q: it must be a path that begins with /, like /healthz, or empty for none", path)
	}
	err := errors.Join(setting.Check("commonWeb", &c.Common), setting.Check("httpServer", &c.HTTP), setting.Check("httpsServer", &c.HTTPS))
	if err != nil {
		return err
	}
	if err := c.Common.checkPlain(); err != nil {
		return err
	}
	if slices.Contains(c.Common.AllowedOrigins, "*") && c.Common.CORSCredentials {
		return errors.New("commonWeb.allowedOrigins has * and commonWeb.corsCredentials is on: list the origins whose pages may send cookies")
	}
	if c.Common.URLPathForActions == c.Common.URLPathForFiles {
		return fmt.Errorf("commonWeb.urlPathForActions and commonWeb.urlPathForFiles are both %q: they must differ", c.Common.URLPathForFiles)
	}
	return nil
}

func (c *Config) https() bool {
	if c.HTTPS.Enable != nil {
		return *c.HTTPS.Enable
	}
	return c.HTTPS.CertFile != ""
}

// parseProxies parses list, the value of the setting trustedProxies. Each entry must be an IP address or a network in
// CIDR notation; for any other entry, parseProxies returns an error.
func parseProxies(list []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("commonWeb.trustedProxies has %q: write an address like 10.0.0.1 or a network like 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}
