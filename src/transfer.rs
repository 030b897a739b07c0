//! From matches of hyperpixels to keypoints (HPF, section 3.3).
