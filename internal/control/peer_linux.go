package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// checkPeer returns an error unless the peer is a process of the user of this process or of root. The file mode of the
// socket has the same effect, with two exceptions: before the mode is changed, just after the creation of the socket,
// and after another process changes the mode.
func checkPeer(nc *net.UnixConn) error {
	raw, err := nc.SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("the system does not report the user of the peer: %w", err)
	}
	return allowed(int(peer.Uid), os.Geteuid())
}

func allowed(peer, own int) error {
	if peer != own && peer != 0 {
		return fmt.Errorf("this server belongs to the user %d, not to %d: run the command as its user", own, peer)
	}
	return nil
}
