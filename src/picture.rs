//! Pictures of matches: photographs side by side, keypoints, lines.
