package redis

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// address is the place of the server with everything that a connection needs.
type address struct {
	network            string   // "tcp" or "unix"
	hosts              []string // host:port of the server, of masters of the Cluster, or of the Sentinels; or the path of the socket
	username, password string
	db                 int
	tls                *tls.Config // nil: not encrypted

	// For error texts: the settings to correct if the server is not there, if it refuses the login, and if it has no such
	// database; and the beginning of all keys.
	from, login, database string
	prefix                string
}

// String names the server in errors. It never contains a password.
func (a *address) String() string { return strings.Join(a.hosts, ", ") }

// address resolves the settings. An error never contains a password.
func (c *Config) address(env func(string) string) (*address, error) {
	a := &address{
		network: "tcp", username: c.Username, password: c.Password, db: c.DB, prefix: c.Prefix,
		from: "redis.host and redis.port", login: "redis.username and redis.password", database: "redis.DB",
	}
	encrypted, text, name := c.TLS, c.URL, "redis.url"
	if text == "" && len(c.Cluster)+len(c.Sentinels) == 0 {
		text, name = env("REDIS_URL"), "the environment variable REDIS_URL"
	}
	switch {
	case len(c.Sentinels) > 0:
		a.hosts, a.from = slices.Clone(c.Sentinels), "redis.sentinels"
	case len(c.Cluster) > 0:
		a.hosts, a.from = slices.Clone(c.Cluster), "redis.cluster"
	case text != "":
		secure, err := a.parse(name, text)
		if err != nil {
			return nil, err
		}
		encrypted = encrypted || secure
	default:
		a.hosts = []string{net.JoinHostPort(c.Host, strconv.Itoa(c.Port))}
	}
	for _, host := range a.hosts {
		if _, _, err := net.SplitHostPort(host); a.network == "tcp" && err != nil {
			return nil, fmt.Errorf("%s has %q, which is no host:port", a.from, host)
		}
	}
	if len(c.Cluster) > 0 && a.db != 0 {
		return nil, errDatabaseOfCluster(a.db)
	}
	if !encrypted {
		return a, nil
	}
	var err error
	a.tls, err = c.tlsConfig()
	return a, err
}

func errDatabaseOfCluster(db int) error {
	return fmt.Errorf("redis.DB is %d, and a Redis Cluster has only database 0: remove redis.DB, and keep apps apart with redis.prefix", db)
}

// parse reads a URL. It returns whether the URL demands TLS. A URL without a user, a password or a database leaves those of
// the settings. The parameter name is the origin of the URL.
func (a *address) parse(name, text string) (encrypted bool, err error) {
	refuse := func(what string) error {
		return fmt.Errorf("%s %s: it must be redis://user:password@host:port/database, rediss:// for TLS, or unix:///path?db=database", name, what)
	}
	u, err := url.Parse(text)
	if err != nil { // the text of the error has the URL, and so the password
		return false, refuse("cannot be parsed; characters such as @ and / in a password need percent-encoding")
	}
	a.from = name
	query, database := u.Query(), ""
	switch u.Scheme {
	case "unix":
		if u.Path == "" {
			return false, refuse("has no path")
		}
		a.network, a.hosts, database = "unix", []string{u.Path}, query.Get("db")
		query.Del("db")
	case "redis", "valkey", "rediss", "valkeys":
		encrypted = u.Scheme == "rediss" || u.Scheme == "valkeys"
		if u.Hostname() == "" {
			return false, refuse("has no host")
		}
		a.hosts, database = []string{net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "6379"))}, strings.Trim(u.Path, "/")
	default:
		return false, refuse(fmt.Sprintf("has the scheme %q", u.Scheme))
	}
	if len(query) > 0 {
		names := make([]string, 0, len(query))
		for n := range query {
			names = append(names, n)
		}
		slices.Sort(names)
		return false, fmt.Errorf("%s has the parameter %q, which has no meaning: use the settings of the section redis", name, names[0])
	}
	if database != "" {
		if a.db, err = strconv.Atoi(database); err != nil || a.db < 0 {
			return false, refuse(fmt.Sprintf("has the database %q", database))
		}
		a.database = "the database in " + name
	}
	if u.User != nil {
		a.username, a.login = u.User.Username(), "the user and the password in "+name
		a.password, _ = u.User.Password()
	}
	return encrypted, nil
}

// permission returns the remedy for an error reply with the code NOPERM.
func (a *address) permission(reply string) string {
	grant := "the command"
	switch {
	case strings.Contains(reply, "to run the"):
	case strings.Contains(reply, "channel"):
		grant = fmt.Sprintf("the channels &%s:*", a.prefix)
	case strings.Contains(reply, "key"):
		grant = fmt.Sprintf("the keys ~%s:*, or correct redis.prefix", a.prefix)
	}
	return fmt.Sprintf("its access control list does not permit a command to the user %q: grant the user %s", cmp.Or(a.username, "default"), grant)
}

// tlsConfig returns the configuration of TLS. The certificate of the server is always verified.
func (c *Config) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("redis.ca cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("redis.ca is " + strconv.Quote(c.CA) + ", which has no certificate in PEM")
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("redis.cert and redis.key cannot be used: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
