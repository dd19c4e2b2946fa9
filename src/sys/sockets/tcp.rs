//! Listening on TCP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};

use nix::sys::socket::{Backlog, listen};

use super::unix::queue;
use super::{BindError, FcgiError};
use crate::sys::errno;

/// Listens for an HTTP server, without blocking. An empty host means all IPv4 interfaces; a
/// name is resolved, to IPv4 if it can be. An address of IPv6 may stand in brackets. The port
/// may be used again right after a server there has gone.
pub fn bind_tcp(host: &str, port: u16) -> Result<TcpListener, BindError> {
    let address = resolve(host, port).map_err(|reason| BindError::UnknownHost {
        host: host.to_owned(),
        reason,
    })?;
    open(address, Backlog::MAXCONN)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| match errno::of(&error) {
            nix::libc::EADDRINUSE => BindError::InUse,
            number => BindError::System(number),
        })
}

/// Listens for `FastCGI` programs. The socket blocks, because the programs that inherit it call
/// `accept` and expect to wait. Without a backlog, or with 0, the queue is as long as the
/// kernel allows.
pub fn bind_fcgi_tcp(
    host: &str,
    port: u16,
    backlog: Option<u32>,
) -> Result<TcpListener, FcgiError> {
    let address = resolve(host, port).map_err(FcgiError::UnknownHost)?;
    open(address, queue(backlog)).map_err(|error| FcgiError::System(errno::of(&error)))
}

fn open(address: SocketAddr, backlog: Backlog) -> io::Result<TcpListener> {
    // It sets SO_REUSEADDR and close-on-exec, and listens; listening again sets the queue.
    let listener = TcpListener::bind(address)?;
    listen(&listener, backlog)?;
    Ok(listener)
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    if host.is_empty() {
        return Ok((Ipv4Addr::UNSPECIFIED, port).into());
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
        return Ok((address, port).into());
    }
    let found = (host, port).to_socket_addrs().map_err(|error| {
        let text = error.to_string();
        let reason = text.strip_prefix("failed to lookup address information: ");
        reason.unwrap_or(&text).to_owned()
    })?;
    let found: Vec<SocketAddr> = found.collect();
    found
        .iter()
        .find(|address| address.is_ipv4())
        .or_else(|| found.first())
        .copied()
        .ok_or_else(|| "it has no address".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_listens_without_blocking_and_takes_connections() {
        let listener = bind_tcp("localhost", 0).expect("loopback is there");
        let nobody = listener.accept().expect_err("nobody has come");
        assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
        let address = listener.local_addr().expect("it is bound");
        assert!(address.ip().is_loopback());
        TcpStream::connect(address).expect("it listens");
    }

    #[test]
    fn a_taken_port_is_in_use_for_a_server_and_an_errno_for_fastcgi() {
        let first = bind_fcgi_tcp("127.0.0.1", 0, Some(1)).expect("loopback is there");
        let port = first.local_addr().expect("it is bound").port();
        assert_eq!(bind_tcp("127.0.0.1", port).err(), Some(BindError::InUse));
        assert_eq!(
            bind_fcgi_tcp("127.0.0.1", port, None).err(),
            Some(FcgiError::System(nix::libc::EADDRINUSE))
        );
    }

    #[test]
    fn an_address_that_is_not_ours_is_an_errno() {
        // Reserved for documentation, so no machine has it.
        assert_eq!(
            bind_tcp("192.0.2.1", 0).err(),
            Some(BindError::System(nix::libc::EADDRNOTAVAIL))
        );
    }

    #[test]
    fn hosts_mean_addresses() {
        let check = |host: &str, expected: &str| {
            let address = resolve(host, 9001).map(|address| address.to_string());
            assert_eq!(address.as_deref(), Ok(expected), "{host:?}");
        };
        check("", "0.0.0.0:9001");
        check("127.0.0.1", "127.0.0.1:9001");
        check("[::1]", "[::1]:9001");
        check("::1", "[::1]:9001");
    }

    #[test]
    fn a_host_that_cannot_be_a_name_is_unknown() {
        // The resolver asks no network about these.
        for host in ["a\0b", "[127.0.0.1", "one two"] {
            let error = bind_tcp(host, 0).expect_err("it is no name");
            assert!(matches!(error, BindError::UnknownHost { .. }), "{error:?}");
        }
    }
}
