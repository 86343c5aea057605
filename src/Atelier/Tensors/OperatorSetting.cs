namespace Atelier.Tensors;

/// <summary>The values of the environment variable ATELIER_OPERATOR_PATHS, which selects operators' paths.</summary>
internal enum OperatorSetting
{
    /// <summary>Not set: oneDNN's cache sizes are corrected, and the checks select the paths.</summary>
    Checked,

    /// <summary>"unaided": oneDNN's cache sizes are not corrected, and the checks select the paths.</summary>
    Unaided,

    /// <summary>
    /// "padded": oneDNN's cache sizes are not corrected, and the paths are those of a machine on which convolutions and
    /// LSTMs are wrong.
    /// </summary>
    Padded,

    /// <summary>
    /// "without-onednn": oneDNN is switched off, as on a machine on which other operators are wrong too.
    /// </summary>
    WithoutOneDnn,

    /// <summary>"library": the tensor library's operators without checks, to compare speeds.</summary>
    Library,

    /// <summary>"none": no path is correct, without checks, to test what is refused then.</summary>
    None,
}
