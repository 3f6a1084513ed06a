package server

import (
	"os"

	"github.com/actionhero-go/actionhero/internal/config"
)

// LoadPorts returns the ports of an app that is another program. It reads the configuration like [Load], or from the file
// path if that is not empty, but skips what it does not know: the app's own sections. A tool of development needs the ports
// of an app that does not compile.
func LoadPorts(path string) ([]Port, error) {
	var cfg Config
	cfg.fill()
	_, err := config.Load(&cfg, config.Options{File: path, Env: os.Environ(), Prefix: EnvPrefix, SkipUnknown: true})
	if err != nil {
		return nil, err
	}
	return cfg.Ports(), nil
}
