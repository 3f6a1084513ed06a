//go:build unix

package dev

import (
	"os/exec"
	"syscall"
)

// killGroup makes the end of the context of cmd end the compilers, too, that it has executed. Ctrl+C does not reach them.
func killGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
