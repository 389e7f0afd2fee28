package page

// Code for frameworks and proxies that are told by settings.

const springProperties = `
spring.security.oauth2.client.registration.sallyport.client-id={{properties .ClientID}}
{{- if .Public}}
spring.security.oauth2.client.registration.sallyport.client-authentication-method=none
{{- else}}
spring.security.oauth2.client.registration.sallyport.client-secret=${SALLYPORT_CLIENT_SECRET}
spring.security.oauth2.client.registration.sallyport.client-authentication-method={{.AuthMethod}}
{{- end}}
spring.security.oauth2.client.registration.sallyport.authorization-grant-type=authorization_code
spring.security.oauth2.client.registration.sallyport.redirect-uri={{properties .RedirectURI}}
spring.security.oauth2.client.registration.sallyport.scope={{join .Scopes ","}}
spring.security.oauth2.client.provider.sallyport.issuer-uri={{properties .Issuer}}
`

const springJava = `
import java.util.Set;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.client.oidc.authentication.OidcIdTokenDecoderFactory;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.JwtDecoderFactory;
import org.springframework.security.web.SecurityFilterChain;
{{- if .StepUp}}
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;
{{- end}}

@Configuration
public class SignIn {
    @Bean
    SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
        var requests = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
{{- if .StepUp}}
        requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce().andThen(request -> {
            var asked = ((ServletRequestAttributes) RequestContextHolder.currentRequestAttributes()).getRequest();
            if (asked.getParameter("two_factors") != null) {
                request.additionalParameters(more -> more.put("claims", {{json .Demand}}));
            }
        }));
{{- else}}
        requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
{{- end}}
        return http
            .authorizeHttpRequests(all -> all.anyRequest().authenticated())
            .oauth2Login(login -> login
                .redirectionEndpoint(back -> back.baseUri({{json .CallbackPath}}))
                .authorizationEndpoint(begin -> begin.authorizationRequestResolver(requests)))
            .build();
    }

    // ID tokens are signed with {{.Alg}}.
    @Bean
    JwtDecoderFactory<ClientRegistration> idTokens() {
        var factory = new OidcIdTokenDecoderFactory();
        factory.setJwsAlgorithmResolver(client -> SignatureAlgorithm.{{.Alg}});
        return factory;
    }
{{- if .StepUp}}

    // Ask before an action that needs two factors. Where it says no, redirect to
    // /oauth2/authorization/sallyport?two_factors
    static boolean twoFactors(OidcUser person) {
        var acr = person.getIdToken().getClaimAsString("acr");
        return acr != null && Set.of({{range $i, $s := .Levels}}{{if $i}}, {{end}}{{json $s}}{{end}}).contains(acr);
    }
{{- end}}
}
`

const dotnetSnippet = `
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

var builder = WebApplication.CreateBuilder(args);
builder.Services
    .AddAuthentication(options =>
    {
        options.DefaultScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        options.DefaultChallengeScheme = OpenIdConnectDefaults.AuthenticationScheme;
    })
    .AddCookie()
    .AddOpenIdConnect(options =>
    {
        options.Authority = {{json .Issuer}};
        options.ClientId = {{json .ClientID}};
{{- if not .Public}}
{{- if not .Post}}
        // ASP.NET Core sends the secret in the form: register the product with
        // client_secret_post.
{{- end}}
        options.ClientSecret = Environment.GetEnvironmentVariable("SALLYPORT_CLIENT_SECRET");
{{- end}}
        options.ResponseType = OpenIdConnectResponseType.Code; // with PKCE
        options.CallbackPath = {{json .CallbackPath}};
        options.TokenValidationParameters.ValidAlgorithms = [{{json .Alg}}];
        options.MapInboundClaims = false;
        options.ClaimActions.Remove("acr"); // or it would be dropped
        options.Scope.Clear();
{{- range .Scopes}}
        options.Scope.Add({{json .}});
{{- end}}
{{- if .StepUp}}
        options.Events.OnRedirectToIdentityProvider = context =>
        {
            if (context.Properties.Parameters.ContainsKey("two_factors"))
            {
                context.ProtocolMessage.SetParameter("claims", {{json .Demand}});
            }
            return Task.CompletedTask;
        };
{{- end}}
    });
builder.Services.AddAuthorization();

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapGet("/", (HttpContext http) => http.User.FindFirst("sub")!.Value).RequireAuthorization();
{{- if .StepUp}}

// An action that needs two factors.
string[] enough = [{{range $i, $s := .Levels}}{{if $i}}, {{end}}{{json $s}}{{end}}];
app.MapGet("/remote", (HttpContext http) => enough.Contains(http.User.FindFirst("acr")?.Value)
    ? Results.Text("started")
    : Results.Challenge(new AuthenticationProperties { RedirectUri = "/remote", Parameters = { ["two_factors"] = true } }));
{{- end}}
app.Run();
`

const proxySnippet = `
# The secrets come from OAUTH2_PROXY_CLIENT_SECRET and OAUTH2_PROXY_COOKIE_SECRET.
provider = "oidc"
oidc_issuer_url = {{json .Issuer}}
client_id = {{json .ClientID}}
redirect_url = {{json .RedirectURI}} # its path has to be /oauth2/callback
scope = {{json .Scope}}
code_challenge_method = "S256"
email_domains = ["*"] # who may use it is decided at the provider
skip_provider_button = true
reverse_proxy = true
set_xauthrequest = true
http_address = "127.0.0.1:4180"
{{- if .StepUp}}
# It asks for two factors and doesn't check the answer. To be sure, require
# two-step verification of everybody in the product's registration.
acr_values = "urn:sallyport:acr:2fa"
{{- end}}
`

const nginxSnippet = `
# In the server block of what is protected.
location /oauth2/ {
    proxy_pass http://127.0.0.1:4180;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Auth-Request-Redirect $request_uri;
}
location = /oauth2/auth {
    internal;
    proxy_pass http://127.0.0.1:4180;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-Uri $request_uri;
    proxy_set_header Content-Length "";
    proxy_pass_request_body off;
}
location @sign_in {
    return 302 /oauth2/sign_in?rd=$scheme://$host$request_uri;
}
location / {
    auth_request /oauth2/auth;
    error_page 401 = @sign_in;
    auth_request_set $person $upstream_http_x_auth_request_email;
    proxy_set_header X-Email $person;
    proxy_pass http://127.0.0.1:8080; # the protected product
}
`
