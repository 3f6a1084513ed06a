package web

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
)

// Config gathers the sections of the configuration that this package reads.
type Config struct {
	Common CommonConfig
	HTTP   HTTPConfig
	HTTPS  HTTPSConfig
}

// CommonConfig is the section commonWeb: what HTTP and HTTPS share.
type CommonConfig struct {
	HTTPHeaders       map[string]string `json:"httpHeaders" doc:"headers of every answer"`
	URLPathForActions string            `json:"urlPathForActions" doc:"the first segment of URLs that mean actions"` // default: api
	URLPathForFiles   string            `json:"urlPathForFiles" doc:"the first segment of URLs that mean files"`     // default: public
	RootEndpointType  string            `json:"rootEndpointType" doc:"what URLs without either mean: api or public"` // default: api

	ReturnErrorCodes      actionhero.Switch `json:"returnErrorCodes" doc:"answer a failure with its HTTP status; off is always 200"`         // default: on
	FlatFileCacheDuration int               `json:"flatFileCacheDuration" doc:"seconds for which clients may keep a file; -1 is not at all"` // default: 60
	Compress              actionhero.Switch `json:"compress" doc:"compress files and large answers for clients that accept it"`              // default: on
	AllowedOrigins        []string          `json:"allowedOrigins" doc:"origins whose pages may read answers (CORS), * for any"`             // default: none
	TrustedProxies        []string          `json:"trustedProxies" doc:"addresses or networks (CIDR) whose X-Forwarded-For is believed"`     // default: none

	MaxBodyBytes   int64         `json:"maxBodyBytes" unit:"bytes" doc:"largest body of a request"`                                         // default: 10 MiB
	MaxHeaderBytes int           `json:"maxHeaderBytes" unit:"bytes" doc:"largest headers of a request"`                                    // default: 64 KiB
	HeaderTimeout  time.Duration `json:"headerTimeout" doc:"time within which the headers, or a TLS handshake, must have come"`             // default: 10s
	ReadTimeout    time.Duration `json:"readTimeout" doc:"time within which a body must have come; it grows by a second for each KiB read"` // default: 10s
	WriteTimeout   time.Duration `json:"writeTimeout" doc:"time within which a client must take 64 KiB of an answer"`                       // default: 10s
	IdleTimeout    time.Duration `json:"idleTimeout" doc:"time for which a connection is kept for the next request"`                        // default: 2m
}

// HTTPConfig is the section httpServer.
type HTTPConfig struct {
	Enable actionhero.Switch `json:"enable" doc:"listen for HTTP"`                    // default: on
	Port   int               `json:"port" doc:"port; -1 is any that is free"`         // default: 8080
	BindIP string            `json:"bindIP" doc:"address to listen on; empty is all"` // default: all
}

// HTTPSConfig is the section httpsServer.
type HTTPSConfig struct {
	Enable   actionhero.Switch `json:"enable" doc:"listen for HTTPS"`                                    // default: on once certFile is set
	Port     int               `json:"port" doc:"port; -1 is any that is free"`                          // default: 4443
	BindIP   string            `json:"bindIP" doc:"address to listen on; empty is all"`                  // default: all
	CertFile string            `json:"certFile" doc:"PEM certificate chain; read again when it changes"` // default: none
	KeyFile  string            `json:"keyFile" doc:"PEM private key"`                                    // default: none
}

func (c *Config) setDefaults() error {
	common := &c.Common
	actionhero.SetDefault(&common.URLPathForActions, "api")
	actionhero.SetDefault(&common.URLPathForFiles, "public")
	actionhero.SetDefault(&common.RootEndpointType, "api")
	actionhero.SetDefault(&common.FlatFileCacheDuration, 60)
	actionhero.SetDefault(&common.MaxBodyBytes, 10<<20)
	actionhero.SetDefault(&common.MaxHeaderBytes, 64<<10)
	actionhero.SetDefault(&common.HeaderTimeout, 10*time.Second)
	actionhero.SetDefault(&common.ReadTimeout, 10*time.Second)
	actionhero.SetDefault(&common.WriteTimeout, 10*time.Second)
	actionhero.SetDefault(&common.IdleTimeout, 2*time.Minute)
	actionhero.SetDefault(&c.HTTP.Port, 8080)
	actionhero.SetDefault(&c.HTTPS.Port, 4443)
	if common.RootEndpointType != "api" && common.RootEndpointType != "public" {
		return fmt.Errorf("commonWeb.rootEndpointType is %q: it must be api or public", common.RootEndpointType)
	}
	for name, prefix := range map[string]string{"urlPathForActions": common.URLPathForActions, "urlPathForFiles": common.URLPathForFiles} {
		if strings.ContainsAny(prefix, "/?#% ") || prefix == "file" {
			return fmt.Errorf("commonWeb.%s is %q: it must be one segment of a path, and not \"file\"", name, prefix)
		}
	}
	if err := common.checkRanges(); err != nil {
		return err
	}
	if common.URLPathForActions == common.URLPathForFiles {
		return fmt.Errorf("commonWeb.urlPathForActions and commonWeb.urlPathForFiles are both %q: they must differ", common.URLPathForFiles)
	}
	return nil
}

func (c *Config) https() bool { return c.HTTPS.Enable.Or(c.HTTPS.CertFile != "") }

// parseProxies reads trustedProxies.
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

// checkRanges refuses limits with which nobody would be served; whoever wants none sets a large one.
func (c *CommonConfig) checkRanges() error {
	for key, n := range map[string]int64{"maxBodyBytes": c.MaxBodyBytes, "maxHeaderBytes": int64(c.MaxHeaderBytes)} {
		if n <= 0 {
			return fmt.Errorf("commonWeb.%s is %d: it must be above zero", key, n)
		}
	}
	for key, d := range map[string]time.Duration{
		"headerTimeout": c.HeaderTimeout, "readTimeout": c.ReadTimeout, "writeTimeout": c.WriteTimeout, "idleTimeout": c.IdleTimeout,
	} {
		if d <= 0 {
			return fmt.Errorf("commonWeb.%s is %v: it must be above zero", key, d)
		}
	}
	return nil
}
