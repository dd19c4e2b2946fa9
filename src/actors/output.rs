//! One output stream of one process: from its pipe through filters into its log.
