package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero/clients/js"
)

//go:embed public
var public embed.FS

// startPage returns the embedded files with the start page. A server serves these files if it has no folder of static
// files.
func startPage() fs.FS {
	files, err := fs.Sub(public, "public")
	if err != nil {
		panic(err) // impossible: the folder is embedded
	}
	return files
}

// mountClient mounts the client script with its types, and the description of this server for the start page. An app
// with a folder of static files needs the mounts, because that folder does not contain these files. The client is there
// also if WebSocket is off: a page that imports it then says so, and its other parts work.
func (s *Server) mountClient() error {
	folder := s.Web.Paths().Files + "/javascript/"
	return errors.Join(
		s.Web.Mount(folder+"start/site.json", http.HandlerFunc(s.describeSite)),
		s.Web.Mount(folder+"actionhero.js", embedded("actionhero.js", "text/javascript", js.Script)),
		s.Web.Mount(folder+"actionhero.d.ts", embedded("actionhero.d.ts", "application/typescript", js.Types)))
}

// embedded returns a handler that serves an embedded file.
func embedded(name, mediaType string, text []byte) http.Handler {
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Type", mediaType+"; charset=utf-8")
		head.Set("Cache-Control", "public, max-age=3600, must-revalidate")
		head.Set("ETag", tag)
		head.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	})
}

// site is the description of a server for its start page. A path is empty and a port is 0 if the transport is off.
type site struct {
	Actions   string `json:"actions"`
	WebSocket string `json:"webSocket"`
	SocketIO  string `json:"socketIO"`
	TCPPort   int    `json:"tcpPort"`
}

// describeSite answers the description of the server as JSON.
func (s *Server) describeSite(w http.ResponseWriter, _ *http.Request) {
	here := site{Actions: s.Web.Paths().Actions}
	if s.WebSocket != nil {
		here.WebSocket = webSocketPath
	}
	if s.SocketIO != nil {
		here.SocketIO = socketIOPath
	}
	if addr, ok := s.TCP.Addr().(*net.TCPAddr); ok {
		here.TCPPort = addr.Port
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(here) // a client that is gone reads no error
}
