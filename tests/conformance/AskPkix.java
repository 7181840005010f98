import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CRLReason;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateRevokedException;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TimeZone;

/**
 * Validates certificates as Java does, with its PKIXRevocationChecker asking the responder, and looks them up in the served
 * CRL.
 *
 * <p>java AskPkix.java URL NAMES CA_FOLDER... prints for each folder and each of the comma-separated names one line "FOLDER
 * NAME ocsp STATUS" and one "FOLDER NAME crl STATUS": good, "revoked TIME REASON_CODE" or "refused WHY". A name that ends in
 * "?" is only asked of OCSP; one that ended a day ago is only looked up in the CRL, because Java believes no answer that was
 * signed so long after the moment as of which it asks.
 */
public final class AskPkix {
    private static final long LONG_AGO = 24 * 60 * 60 * 1000;
    private static CertificateFactory factory;

    public static void main(String[] arguments) throws Exception {
        factory = CertificateFactory.getInstance("X.509");
        for (int i = 2; i < arguments.length; i++) {
            askAll(arguments[0], arguments[1].split(","), Path.of(arguments[i]));
        }
    }

    private static void askAll(String url, String[] names, Path folder) throws Exception {
        X509Certificate issuer = read(folder.resolve("issuer.pem"));
        X509CRL crl;
        try (InputStream stream = URI.create(url + folder.getFileName() + ".crl").toURL().openStream()) {
            crl = (X509CRL) factory.generateCRL(stream);
        }
        crl.verify(issuer.getPublicKey());
        for (String name : names) {
            boolean listed = !name.endsWith("?");
            String plain = listed ? name : name.substring(0, name.length() - 1);
            X509Certificate certificate = read(folder.resolve(plain + ".pem"));
            String line = folder.getFileName() + " " + plain;
            if (certificate.getNotAfter().getTime() > System.currentTimeMillis() - LONG_AGO) {
                System.out.println(line + " ocsp " + ask(url, issuer, certificate));
            }
            if (listed) {
                System.out.println(line + " crl " + describe(crl.getRevokedCertificate(certificate)));
            }
        }
    }

    private static String ask(String url, X509Certificate issuer, X509Certificate certificate) throws Exception {
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOcspResponder(URI.create(url));
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(issuer, null)));
        parameters.addCertPathChecker(checker);
        // Java validates no expired certificate: it is asked as of the last second before the end.
        if (certificate.getNotAfter().before(new Date())) {
            parameters.setDate(new Date(certificate.getNotAfter().getTime() - 1000));
        }
        CertPath path = factory.generateCertPath(List.of(certificate));
        try {
            validator.validate(path, parameters);
            return "good";
        } catch (CertPathValidatorException e) {
            if (e.getCause() instanceof CertificateRevokedException revoked) {
                return "revoked " + stamp(revoked.getRevocationDate()) + " " + revoked.getRevocationReason().ordinal();
            }
            return "refused " + e.getMessage();
        }
    }

    private static String describe(X509CRLEntry entry) {
        if (entry == null) {
            return "good";
        }
        CRLReason reason = entry.getRevocationReason();
        return "revoked " + stamp(entry.getRevocationDate()) + " " + (reason == null ? 0 : reason.ordinal());
    }

    private static String stamp(Date date) {
        SimpleDateFormat format = new SimpleDateFormat("yyMMddHHmmss'Z'");
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        return format.format(date);
    }

    private static X509Certificate read(Path file) throws Exception {
        try (InputStream stream = Files.newInputStream(file)) {
            return (X509Certificate) factory.generateCertificate(stream);
        }
    }
}
