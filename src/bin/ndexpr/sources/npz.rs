//! Arrays in .npz archives: zip files with one .npy file for each key.
//!
//! An entry that is stored as it is (`np.savez`) is mapped like a .npy file; a compressed one
//! (`np.savez_compressed`) is inflated into memory.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::{did_you_mean, npy};
use crate::array::Array;
use crate::failure::Failure;

/// The array of this key, or the only one there is.
pub(crate) fn load(path: &Path, key: Option<&str>) -> Result<Array, Failure> {
    let broken = |message: String| Failure::Npz { path: path.to_owned(), message };
    let file = File::open(path).map_err(|error| Failure::file("open", path, error))?;
    let mut archive =
        ZipArchive::new(BufReader::new(&file)).map_err(|error| broken(format!("not a .npz file: {error}")))?;
    let keys = keys(&archive);
    let entry_idx = choose(&keys, key).map_err(broken)?;
    let entry = archive.by_index(entry_idx).map_err(|error| broken(format!("cannot be read: {error}")))?;
    let name =
        format!("{}:{}", path.display(), keys.iter().find(|(idx, _)| *idx == entry_idx).map_or("", |(_, key)| key));
    if entry.compression() == CompressionMethod::Stored
        && let Some(start) = entry.data_start()
    {
        let n_bytes = entry.size();
        let map = npy::map_file(&file, path).map_err(|error| Failure::file("map", path, error))?;
        let extent = usize::try_from(start).ok().zip(usize::try_from(n_bytes).ok());
        let (start, n_bytes) = extent.ok_or_else(|| broken("is damaged".to_owned()))?;
        return npy::from_map(map, start, n_bytes).map_err(|error| Failure::Npy { name, error });
    }
    npy::read(entry).map_err(|error| Failure::Npy { name, error })
}

/// The entries' positions and keys: their names without `.npy`.
fn keys(archive: &ZipArchive<BufReader<&File>>) -> Vec<(usize, String)> {
    (0..archive.len())
        .filter_map(|idx| {
            let name = archive.name_for_index(idx)?.ok()?;
            (!name.ends_with('/')).then(|| (idx, name.strip_suffix(".npy").unwrap_or(&name).to_owned()))
        })
        .collect()
}

/// The position of the entry to read.
fn choose(keys: &[(usize, String)], key: Option<&str>) -> Result<usize, String> {
    const MAX_LISTED: usize = 20;
    let list = || {
        let listed: Vec<&str> = keys.iter().take(MAX_LISTED).map(|(_, key)| key.as_str()).collect();
        let more = if keys.len() > MAX_LISTED { ", ..." } else { "" };
        format!("{}{more}", listed.join(", "))
    };
    match (key, keys) {
        (_, []) => Err("the archive is empty".to_owned()),
        (None, [(idx, _)]) => Ok(*idx),
        (None, _) => Err(format!("the archive has several arrays; say which, as file.npz:key (there are: {})", list())),
        (Some(wanted), _) => {
            let wanted = wanted.strip_suffix(".npy").unwrap_or(wanted);
            let found = keys.iter().find(|(_, key)| key == wanted).map(|(idx, _)| *idx);
            found.ok_or_else(|| {
                let hint = did_you_mean(wanted, keys.iter().map(|(_, key)| key.as_str()));
                format!("the archive has no array `{wanted}`{hint} (there are: {})", list())
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ndexpr::DType;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::array::Order;

    fn archive(entries: &[(&str, CompressionMethod, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::with_suffix(".npz").unwrap();
        let mut writer = ZipWriter::new(file.reopen().unwrap());
        for (name, method, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default().compression_method(*method)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    fn npy(values: &[i16]) -> Vec<u8> {
        let mut bytes = npy::header_bytes(DType::Int16, &[values.len()], Order::C);
        bytes.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
        bytes
    }

    #[test]
    fn stored_and_deflated() {
        let (stored, deflated) = (CompressionMethod::Stored, CompressionMethod::Deflated);
        let file = archive(&[("a.npy", stored, &npy(&[1, 2])), ("dir/b.npy", deflated, &npy(&[3; 1000]))]);
        let a = load(file.path(), Some("a")).unwrap();
        assert_eq!((a.is_mapped(), a.data().len(), a.data()[0].max(a.data()[1])), (true, 4, 1));
        let b = load(file.path(), Some("dir/b.npy")).unwrap();
        assert_eq!((b.is_mapped(), b.shape()), (false, &[1000][..]));

        let error = load(file.path(), None).unwrap_err().to_string();
        assert!(error.contains("several arrays") && error.contains("(there are: a, dir/b)"), "{error}");
        let error = load(file.path(), Some("dir/a")).unwrap_err().to_string();
        assert!(error.contains("no array `dir/a`; did you mean `dir/b`?"), "{error}");
    }

    #[test]
    fn a_lone_array_needs_no_key() {
        let file = archive(&[("x.npy", CompressionMethod::Deflated, &npy(&[5]))]);
        assert_eq!(load(file.path(), None).unwrap().data(), 5_i16.to_ne_bytes());
    }

    #[test]
    fn broken_archives() {
        let stored = CompressionMethod::Stored;
        let error = load(archive(&[]).path(), None).unwrap_err().to_string();
        assert!(error.contains("is empty"), "{error}");
        let file = archive(&[("a.npy", stored, b"hello"), ("b.npy", stored, &npy(&[1, 2])[..130])]);
        let error = load(file.path(), Some("a")).unwrap_err().to_string();
        assert!(error.contains(".npz:a`: not a .npy file"), "{error}");
        let error = load(file.path(), Some("b")).unwrap_err().to_string();
        assert!(error.contains("truncated: [2] int16 need 4 bytes, there are 2"), "{error}");

        let whole = std::fs::read(file.path()).unwrap();
        let mut garbage = tempfile::NamedTempFile::new().unwrap();
        garbage.write_all(&whole[..whole.len() / 2]).unwrap();
        let error = load(garbage.path(), Some("a")).unwrap_err().to_string();
        assert!(error.contains("not a .npz file"), "{error}");
    }
}
