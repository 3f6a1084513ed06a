package tcp

import (
	"time"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// Config holds the settings of the section "tcpServer" of the configuration. [New] replaces each zero field by the
// default in the field's tag. In a Config that server.Load returned, a zero field keeps the value zero.
type Config struct {
	filled

	Enable   *bool  `json:"enable" default:"true" doc:"listen for TCP clients"`
	Port     int    `json:"port" default:"5000" min:"1" max:"65535" also:"-1" range:"1 to 65535, or -1 for any free port" doc:"port to listen on"`
	BindIP   string `json:"bindIP" default:"127.0.0.1" doc:"IP address to listen on; the default is this machine only, empty is all addresses"`
	TLSPort  int    `json:"tlsPort" min:"1" max:"65535" also:"-1,0" range:"1 to 65535, -1 for any free port, or 0 for none" doc:"port to listen on for TLS, besides the plain one"`
	CertFile string `json:"certFile" doc:"file of the PEM certificate chain for tlsPort"`
	KeyFile  string `json:"keyFile" doc:"file of the PEM private key for tlsPort"`

	ClientCAFile string `json:"clientCAFile" doc:"file of the PEM certificates of the authorities that sign the certificates of clients of tlsPort; empty asks no client for a certificate; it is read again when it changes"`
	ClientCert   string `json:"clientCert" default:"optional" enum:"optional,required" doc:"with clientCAFile: whether a client of tlsPort must have a certificate, or may connect without one; a wrong one always ends the connection"`

	Dialect string `json:"dialect" default:"classic" enum:"classic,later" doc:"wire of the clients: classic is the wire of the original's early versions, later the wire of its versions 9 to 20"`

	MaxLineBytes int           `json:"maxLineBytes" unit:"bytes" default:"64 KiB" min:"1" limit:"request" reached:"an error line, then the connection closes" doc:"length of a line; a longer one ends the connection"`
	MaxInFlight  int           `json:"maxInFlight" default:"100" min:"1" unit:"requests" limit:"client" reached:"the next requests wait" doc:"requests of one connection that run at a time; the server reads no further while so many run"`
	MaxQueued    int           `json:"maxQueuedMessages" default:"256" min:"1" unit:"messages" limit:"client" reached:"the connection closes" doc:"messages that may wait for a client; one that does not read is closed"`
	MaxQueuedLen int           `json:"maxQueuedBytes" unit:"bytes" default:"1 MiB" min:"1" limit:"client" reached:"the connection closes" doc:"bytes that may wait for a client; one that does not read is closed"`
	LineTimeout  time.Duration `json:"lineTimeout" default:"15s" min:"1ns" limit:"request" reached:"an error line, then the connection closes" doc:"time within which a line, or a TLS handshake, must be complete"`
	WriteTimeout time.Duration `json:"writeTimeout" default:"10s" min:"1ns" limit:"client" reached:"the connection closes" doc:"time within which a client must read 16 KiB, and the Body of a Content must return its next bytes"`
	IdleTimeout  time.Duration `json:"idleTimeout" default:"5m" min:"0" range:"above zero, or 0 for never" limit:"client" reached:"the goodbye message, then the connection closes" doc:"time after which a client is closed that sends nothing, receives no messages and waits for no reply; it may take a quarter longer"`

	MaxConns        int `json:"maxConnections" default:"20000" min:"-1" unit:"connections" range:"above zero, or 0 or -1 for no limit" limit:"server" reached:"an error line, then the connection closes" doc:"connections to both ports that may be open"`
	MaxConnsPerAddr int `json:"maxConnectionsPerAddress" default:"1000" min:"-1" unit:"connections" range:"above zero, or 0 or -1 for no limit" limit:"address" reached:"an error line, then the connection closes" doc:"connections that one client address may have open; clients behind one proxy share an address"`
}

type filled = setting.Filled

var _ = Config{}.filled // package setting reads the field by reflection
