//! What scores and audits say of doubtful truths and few pairs.
