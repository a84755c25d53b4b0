//! Backends that are slow, fail, half-succeed or break off under the same traffic, and then are well again.
