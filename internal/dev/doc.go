// Package dev runs an app while it is developed: it builds the app, watches its files, and replaces the process of the app
// after each change. Begin with [Run].
//
// This process owns the listening sockets, and the app is its child (package supervise). After a change, the program is
// built while the old process serves. The new process prepares everything but the backend, which belongs to one process at
// a time, and says so. Then the old process accepts no more connections, finishes its requests and ends, and the new one
// goes on. Connections wait meanwhile in the queues of the sockets, so none is refused. If the build or the start fails, the
// last program that works serves on. Without one, this process answers with the failure.
package dev

import (
	"io"
	"time"
)

// Config describes the app to develop.
type Config struct {
	Dir        string   // of the app; absolute. It is the working directory of the app
	Package    string   // the main package, such as "."
	ConfigFile string   // absolute; default: config.json, config.yaml, config.yml or config.toml in Dir
	Args       []string // further arguments for the command start

	Stdout, Stderr io.Writer
	Colours        bool          // in the lines of this process
	Poll           time.Duration // compare the files at this interval. Default: when the system reports a change

	// Ports returns the ports of the app with the configuration in the file path, and with an error the ports that it
	// probably has.
	Ports func(path string) ([]Port, error)

	// StartLimit is the time in which a process must be ready, and StopLimit the one in which it must stop. Then it is
	// killed. Defaults: one minute and 10 s.
	StartLimit, StopLimit time.Duration
}

// Port is a port of the app.
type Port struct {
	Name    string // under which the app asks for it, such as "httpServer.port"
	Address string // such as ":8080"
}

func (c Config) withDefaults() Config {
	if c.StartLimit == 0 {
		c.StartLimit = time.Minute
	}
	if c.StopLimit == 0 {
		c.StopLimit = 10 * time.Second
	}
	return c
}
