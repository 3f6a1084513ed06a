package cli

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ownersOf returns the processes that have a listening socket of a TCP port. There are several if a process has passed the
// socket to another one. Processes of other users are missing.
func ownersOf(port int) (owners []owner) {
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if inode := listenerOf(line, port); inode != "" {
				sockets["socket:["+inode+"]"] = true
			}
		}
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(sockets) == 0 {
		return nil
	}
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && sockets[target] {
			process := filepath.Dir(filepath.Dir(file))
			pid, _ := strconv.Atoi(filepath.Base(process))
			comm, _ := os.ReadFile(filepath.Join(process, "comm"))
			owners = append(owners, owner{pid, strings.TrimSpace(string(comm))})
		}
	}
	return owners
}

// listenerOf returns the inode of the socket in a line of /proc/net/tcp, if it listens on the port.
func listenerOf(line string, port int) (inode string) {
	const local, state, node, listening = 1, 3, 9, "0A"
	fields := strings.Fields(line)
	if len(fields) <= node || fields[state] != listening {
		return ""
	}
	_, digits, _ := strings.Cut(fields[local], ":")
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != 2 || int(raw[0])<<8|int(raw[1]) != port {
		return ""
	}
	return fields[node]
}
