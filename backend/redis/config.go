package redis

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/setting"
)

type filled = setting.Filled

var _ = Config{}.filled // package setting reads the field by reflection

// Config holds the settings of the backend: the section "redis" of the configuration. If a field is zero, New uses the
// default that the tag of the field names. If server.Load made the Config, a zero field stays zero.
type Config struct {
	filled

	Enable   bool   `json:"enable" auto:"false, or true if the environment variable REDIS_URL is set" doc:"share cache, tasks, rooms and peers with other nodes through a server of Redis or Valkey"`
	URL      string `json:"url" secret:"true" auto:"the environment variable REDIS_URL" doc:"redis://user:password@host:port/database; rediss:// for TLS, unix:///path for a socket; replaces host and port, and each of username, password and DB that it has"`
	Host     string `json:"host" default:"127.0.0.1" doc:"host of the server, or of one master of a Cluster"`
	Port     int    `json:"port" default:"6379" min:"1" max:"65535" doc:"port of the server"`
	Username string `json:"username" doc:"user of the access control list; empty: the user default"`
	Password string `json:"password" secret:"true" doc:"password of the user"`
	DB       int    `json:"DB" min:"0" doc:"number of the database; a Cluster has only database 0"`
	Prefix   string `json:"prefix" default:"actionHero" min:"1" max:"64" range:"1 to 64 letters, digits, dots, dashes and underscores" doc:"beginning of all keys; keeps two apps on one server apart"`

	Cluster          []string `json:"cluster" doc:"host:port of some masters of a Redis Cluster, in place of host and port; the others are found"`
	Sentinels        []string `json:"sentinels" doc:"host:port of the Sentinels, which name the master, in place of host and port"`
	MasterName       string   `json:"masterName" default:"mymaster" doc:"name of the master among the Sentinels"`
	SentinelUsername string   `json:"sentinelUsername" doc:"user for the Sentinels"`
	SentinelPassword string   `json:"sentinelPassword" secret:"true" doc:"password for the Sentinels"`

	TLS        bool   `json:"tls" doc:"encrypt connections and verify the certificate of the server; a URL with rediss:// does the same"`
	CA         string `json:"ca" doc:"file of the certificates that are trusted, in PEM; empty: those of the system"`
	Cert       string `json:"cert" doc:"file of the certificate of this client, in PEM"`
	Key        string `json:"key" doc:"file of the key of this client, in PEM"`
	ServerName string `json:"serverName" auto:"the host" doc:"name that the certificate of the server must have"`

	ConnectTimeout time.Duration `json:"connectTimeout" default:"5s" min:"1ms" doc:"time limit for one connection, from dialing to the login"`
	Timeout        time.Duration `json:"timeout" default:"3s" min:"1ms" doc:"time limit of a call, with its repetitions, if the caller has set none that ends earlier"`
	Wait           time.Duration `json:"wait" default:"10s" range:"0 is not at all, negative is without an end" doc:"time for which a start waits for a server that is not reached"`
	LocalCache     time.Duration `json:"localCache" min:"0s" max:"10s" doc:"time for which this node keeps copies of entries that it reads; the server reports changes; 0: no copies"`

	WaitReplicas int `json:"waitReplicas" min:"0" max:"16" unit:"replicas" doc:"replicas that must have a task, its end or its change before the call returns, see docs/cluster.md; 0: none, as fast as the server"`

	// Queue says how long and how many jobs are kept. Path and MaxBytes have no effect, because the server stores the jobs.
	Queue local.QueueConfig `json:"-"`
	Log   *slog.Logger      `json:"-"` // receives warnings; default: slog.Default()
}

var prefixForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// Enabled reports whether the configuration or the environment variable REDIS_URL enables the backend.
func (c *Config) Enabled() bool { return c.Enable || c.URL != "" || os.Getenv("REDIS_URL") != "" }

// check returns an error if a setting is out of range or contradicts another one.
func (c *Config) check() error {
	if err := setting.Check("redis", c); err != nil {
		return err
	}
	switch {
	case !prefixForm.MatchString(c.Prefix):
		return fmt.Errorf("redis.prefix is %q: it must have 1 to 64 letters, digits, dots, dashes and underscores", c.Prefix)
	case len(c.Cluster) > 0 && len(c.Sentinels) > 0:
		return fmt.Errorf("redis.cluster and redis.sentinels are both set: a Cluster replaces masters without Sentinels, so remove one of them")
	case c.URL != "" && len(c.Cluster)+len(c.Sentinels) > 0:
		return fmt.Errorf("redis.url is set together with redis.cluster or redis.sentinels: remove it, and set redis.username and redis.password instead")
	case (c.Cert == "") != (c.Key == ""):
		return fmt.Errorf("redis.cert is %q and redis.key is %q: set both or none", c.Cert, c.Key)
	}
	return nil
}
