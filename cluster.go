package actionhero

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// nodeDetails is the description of a node that its peers read.
type nodeDetails struct {
	Host    string `json:"host"`    // the name of the machine
	Address string `json:"address"` // the address of the machine
	PID     int    `json:"pid"`
	Version string `json:"version"` // the API version of the app
}

// newTag returns a random number for [backend.Node.Tag].
func newTag() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint32(b[:])
}

// node describes this node to the backend. If Config.ID is empty, the id is made of the address of the machine and the
// tag, which is random for each process.
func (api *API) node() backend.Node {
	host, _ := os.Hostname()
	details, _ := jsonx.Marshal(nodeDetails{Host: host, Address: hostAddress(), PID: os.Getpid(), Version: api.cfg.APIVersion}) // strings and a number always encode
	return backend.Node{
		ID: cmp.Or(api.cfg.ID, fmt.Sprintf("%s:%08x", hostAddress(), api.tag)), Tag: api.tag, Started: time.Now(), Details: details,
	}
}
