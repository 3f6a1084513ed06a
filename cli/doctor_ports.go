package cli

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"syscall"

	"github.com/actionhero-go/actionhero/server"
)

// ports checks that the ports of the server are free, or its own.
func (d *doctor) ports() {
	for _, p := range d.cfg.Ports() {
		d.port(p)
	}
}

func (d *doctor) port(p server.Port) {
	if p.Port < 0 {
		d.ok("port", "%s is any free port", p.Setting)
		return
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(p.IP, strconv.Itoa(p.Port)))
	switch {
	case err == nil:
		_ = ln.Close()
		d.ok("port", "%s %d is free", p.Setting, p.Port)
	case errors.Is(err, syscall.EADDRINUSE):
		d.taken(p)
	case errors.Is(err, syscall.EACCES):
		d.fail("port", "Choose a port from 1024, give the program the right (setcap cap_net_bind_service=+ep PROGRAM, or AmbientCapabilities of the systemd unit), or use a proxy.",
			"%s %d is for privileged programs", p.Setting, p.Port)
	case !isLocalAddress(p.IP):
		d.fail("port", "Name an address of this machine, or leave bindIP empty for all of them.", "%s %d: %s is no address of this machine", p.Setting, p.Port, p.IP)
	default:
		d.fail("port", "Choose another port or address.", "%s %d: %v", p.Setting, p.Port, err)
	}
}

// owner is a process that listens on a port.
type owner struct {
	pid  int
	name string
}

// taken reports who has a port that is in use. The server may share it with the process that has started it.
func (d *doctor) taken(p server.Port) {
	owners := ownersOf(p.Port)
	switch {
	case d.running != nil && (slices.ContainsFunc(owners, d.isServer) || len(owners) == 0 && d.running.Listens(p.Port)):
		d.ok("port", "%s %d is in use by the running server of this configuration", p.Setting, p.Port)
	case len(owners) > 0:
		d.fail("port", "Stop that program, or choose another "+p.Setting+".", "%s %d is in use by process %d (%s)", p.Setting, p.Port, owners[0].pid, owners[0].name)
	default:
		d.fail("port", "Stop the program that has it, or choose another "+p.Setting+".", "%s %d is in use by a program of another user", p.Setting, p.Port)
	}
}

func (d *doctor) isServer(o owner) bool { return o.pid == d.running.PID }
