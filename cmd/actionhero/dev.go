package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/dev"
	"github.com/actionhero-go/actionhero/internal/terminal"
	"github.com/actionhero-go/actionhero/server"
)

func devCommand() cli.Command {
	var poll time.Duration
	var pkg string
	return cli.Command{
		Name: "dev", NoConfig: true, Args: "[-- FLAGS OF START]",
		Short: "Run the app in the current folder, and build it again after each change",
		Long: "Run the app in the current folder. After a change of its source, the app is built again and replaced while no port closes:\n" +
			"requests wait for the new process, and pages in a browser are loaded again. If the build or the start fails, the last\n" +
			"program that works serves on.",
		Flags: func(flags *flag.FlagSet) {
			flags.StringVar(&pkg, "package", "", "the main package, such as ./cmd/app (default: the one in the current folder, or the only one in cmd/)")
			flags.DurationVar(&poll, "poll", 0, "compare the files at this interval, for folders without events of the system, such as those of a network (default: by events)")
		},
		Run: func(ctx context.Context, env *cli.Env) error {
			cfg := dev.Config{Package: pkg, Args: env.Args, Stdout: env.Stdout, Stderr: env.Stderr, Poll: poll, Ports: portsOf}
			cfg.Colours = terminal.Is(env.Stdout) && os.Getenv("NO_COLOR") == ""
			if poll < 0 {
				return fmt.Errorf("--poll is %v: it must not be negative", poll)
			}
			var err error
			if cfg.Dir, err = os.Getwd(); err != nil {
				return err
			}
			if env.ConfigFile != "" {
				if cfg.ConfigFile, err = filepath.Abs(env.ConfigFile); err != nil {
					return err
				}
			}
			return dev.Run(ctx, cfg)
		},
	}
}

// portsOf returns the ports of an app with the configuration in the file path, or in the current folder.
func portsOf(path string) (list []dev.Port, err error) {
	ports, err := server.LoadPorts(path)
	for _, p := range ports {
		list = append(list, dev.Port{Name: p.Setting, Address: net.JoinHostPort(p.IP, strconv.Itoa(max(p.Port, 0)))})
	}
	return list, err
}
