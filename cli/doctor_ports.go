package cli

import (
	"errors"
	"net"
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

// taken reports who has a port that is in use.
func (d *doctor) taken(p server.Port) {
	pid, name := ownerOf(p.Port)
	switch {
	case d.running != nil && (pid == d.running.PID || pid == 0 && d.running.Listens(p.Port)):
		d.ok("port", "%s %d is in use by the running server of this configuration", p.Setting, p.Port)
	case pid != 0:
		d.fail("port", "Stop that program, or choose another "+p.Setting+".", "%s %d is in use by process %d (%s)", p.Setting, p.Port, pid, name)
	default:
		d.fail("port", "Stop the program that has it, or choose another "+p.Setting+".", "%s %d is in use by a program of another user", p.Setting, p.Port)
	}
}
