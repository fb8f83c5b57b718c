//! The picture as a PNG file (RGB, 8 bit), put into its place by rename: whoever waits for the file never sees half
//! of it. Blocks; called on a thread for that.

use crate::screen::Snapshot;
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
#[error("can't write {}: {source}", path.display())]
pub(crate) struct SnapshotError {
    path: PathBuf,
    #[source]
    source: png::EncodingError,
}

/// Writes `snapshot` to `path`, in the place of any file there.
pub(crate) fn write(path: &Path, snapshot: &Snapshot) -> Result<(), SnapshotError> {
    let mut beside = OsString::from(path);
    beside.push(format!(".{}.new", std::process::id()));
    let written = encode(Path::new(&beside), snapshot).and_then(|()| Ok(fs::rename(&beside, path)?));
    if written.is_err() {
        let _ = fs::remove_file(&beside); // the first error is the one to report
    }
    written.map_err(|source| SnapshotError { path: path.to_owned(), source })
}

fn encode(path: &Path, snapshot: &Snapshot) -> Result<(), png::EncodingError> {
    let mut file = BufWriter::new(File::create(path)?);
    let (width, height) = (snapshot.size.width.into(), snapshot.size.height.into());
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&snapshot.rgb)?;
    writer.finish()?;
    Ok(file.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::session::geometry::Size;
    use std::io::BufReader;

    #[test]
    fn the_file_holds_exactly_the_picture_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        fs::write(&path, "old").unwrap();
        let size = Size { width: 3, height: 2 };
        let snapshot = Snapshot { size, rgb: (0..18).collect() };
        write(&path, &snapshot).unwrap();

        let mut reader = png::Decoder::new(BufReader::new(File::open(&path).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (3, 2, png::ColorType::Rgb));
        assert_eq!(pixels, snapshot.rgb);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a.png");
        let snapshot = Snapshot { size: Size { width: 1, height: 1 }, rgb: vec![0; 3] };
        let error = write(&path, &snapshot).unwrap_err().to_string();
        assert!(error.contains("none/a.png"), "{error}");
    }
}
